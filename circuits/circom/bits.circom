pragma circom 2.1.6;

// Integers as bits. In all of these `v` is known to lie far below the field's modulus, so the bits are unique.

// The n bits of v, least significant first. The lowest one is what the others leave over: n constraints, n - 1 new signals.
// Holds only if 0 <= v < 2^n. Of no bits v is 0: a tensor of one value, the table of one.
template Bits(n) {
    signal input v;
    signal output bit[n];
    var high = 0;
    for (var i = 1; i < n; i++) {
        bit[i] <-- (v >> i) & 1;
        bit[i] * (bit[i] - 1) === 0;
        high += bit[i] * 2**i;
    }
    if (n == 0) v === 0; else bit[0] <== v - high;
    if (n > 0) bit[0] * (bit[0] - 1) === 0;
}

// Holds only if 0 <= v <= top. For top = 2^n - 1 the bits suffice.
template Within(top) {
    signal input v;
    var n = 0;
    while (2**n <= top) n++;
    component low = Bits(n);
    low.v <== v;
    if (2**n - 1 != top) {
        component high = Bits(n);
        high.v <== top - v;
    }
}

// 1 if v = 0, else 0.
template IsZero() {
    signal input v;
    signal output out;
    signal inverse;
    inverse <-- v == 0 ? 0 : 1 / v;
    out <== 1 - v * inverse;
    v * out === 0;
}

// The greater of a and b, which differ by less than 2^n: by the sign of a - b.
template Max(n) {
    signal input a;
    signal input b;
    signal output out;
    component d = Bits(n + 1);
    d.v <== a - b + 2**n;
    out <== b + d.bit[n] * (a - b);
}
