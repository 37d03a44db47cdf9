pragma circom 2.1.6;

include "bits.circom";
include "table.circom";

// A requantisation along a line: out = clip(floor((m acc + b) / 2^s), 0, top), where the compiler has chosen m, b, s so that this is the
// step function of the model at every accumulator that can be reached, but for e of them, `at`, where `by` is added.
//
//   k     bits of the quotient without its sign
//   sign  1 if the quotient can be negative
//   top   the greatest result
template Line(m, b, s, k, sign, top, e, at, by) {
    signal input acc;
    signal output out;
    component v = Bits(s + k + sign);
    v.v <== m * acc + b + sign * 2**(s + k);

    var n = 0;
    while (2**n <= top) n++;
    var full = 2**n - 1;
    var quotient = 0;
    for (var i = 0; i < n && i < k; i++) quotient += v.bit[s + i] * 2**i;

    // Above 2^n - 1 it is 2^n - 1: when one of the bits above is set.
    signal within;
    signal excess;
    var clipped = quotient;
    if (k > n) {
        if (k == n + 1) {
            within <== 1 - v.bit[s + n];
        } else {
            component none = IsZero();
            var above = 0;
            for (var i = n; i < k; i++) above += v.bit[s + i];
            none.v <== above;
            within <== none.out;
        }
        excess <== within * (quotient - full);
        clipped = full + excess;
    }

    // Above top it is top, where top is no 2^n - 1.
    signal below;
    if (top != full) {
        component d = Bits(n + 1);
        d.v <== top - clipped + 2**n;
        below <== d.bit[n] * (clipped - top);
        clipped = top + below;
    }

    // Below 0 it is 0.
    signal positive;
    if (sign == 1) {
        positive <== v.bit[s + k] * clipped;
        clipped = positive;
    }

    component equal[e];
    for (var i = 0; i < e; i++) {
        equal[i] = IsZero();
        equal[i].v <== acc - at[i];
        clipped += by[i] * equal[i].out;
    }
    out <== clipped;
}

// Any step function: the prover names the step, index < 2^n, and the accumulator lies within it. from, to: first accumulator of every step
// and first after it; an unused index has from = to, and holds none. Steps are at most 2^w long.
template Steps(n, w, table) {
    signal input acc;
    signal output out;
    component index = Bits(n);
    component step = Tables(n, 3, table);
    signal which;
    var found = 0;
    for (var i = 0; i < 2**n; i++) {
        if (acc >= table[0][i] && acc < table[1][i]) found = i;
    }
    which <-- found;
    index.v <== which;
    for (var i = 0; i < n; i++) step.bit[i] <== index.bit[i];
    component after = Bits(w);
    component before = Bits(w);
    after.v <== acc - step.out[0];
    before.v <== step.out[1] - 1 - acc;
    out <== step.out[2];
}
