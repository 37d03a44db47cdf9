pragma circom 2.1.6;

include "bits.circom";

// All 2^n products of bits or their complements: indicator j is 1 exactly if the bits are those of j. The bits are booleans already.
// Halves are multiplied; the last of every row and column follows from the sums, which are known.
template Indicators(n) {
    signal input bit[n];
    signal output out[2**n];
    if (n == 0) {
        out[0] <== 1;
    } else if (n == 1) {
        out[0] <== 1 - bit[0];
        out[1] <== bit[0];
    } else {
        var l = n \ 2;
        var h = n - l;
        component low = Indicators(l);
        component high = Indicators(h);
        for (var i = 0; i < l; i++) low.bit[i] <== bit[i];
        for (var i = 0; i < h; i++) high.bit[i] <== bit[l + i];
        var L = 2**l;
        var H = 2**h;
        for (var j = 0; j < H - 1; j++) {
            var row = 0;
            for (var i = 0; i < L - 1; i++) {
                out[j * L + i] <== high.out[j] * low.out[i];
                row += out[j * L + i];
            }
            out[j * L + L - 1] <== high.out[j] - row;
        }
        for (var i = 0; i < L; i++) {
            var column = 0;
            for (var j = 0; j < H - 1; j++) column += out[j * L + i];
            out[(H - 1) * L + i] <== low.out[i] - column;
        }
    }
}

// out[k] = table[k][index], for t tables of 2^n constants; index < 2^n by its bits.
template Tables(n, t, table) {
    signal input bit[n];
    signal output out[t];
    var l = n \ 2;
    var h = n - l;
    component low = Indicators(l);
    component high = Indicators(h);
    for (var i = 0; i < l; i++) low.bit[i] <== bit[i];
    for (var i = 0; i < h; i++) high.bit[i] <== bit[l + i];
    var L = 2**l;
    var H = 2**h;
    signal part[t][H];
    for (var k = 0; k < t; k++) {
        var last = 0;
        for (var i = 0; i < L; i++) last += table[k][(H - 1) * L + i] * low.out[i];
        var sum = last;
        for (var j = 0; j < H - 1; j++) {
            var row = 0;
            for (var i = 0; i < L; i++) row += table[k][j * L + i] * low.out[i];
            part[k][j] <== high.out[j] * (row - last);
            sum += part[k][j];
        }
        out[k] <== sum;
    }
}

// y = table[x - from], any function of an x that lies within [from, from + 2^n).
template Unary(n, from, table) {
    signal input x;
    signal output y;
    component index = Bits(n);
    index.v <== x - from;
    component at = Tables(n, 1, [table]);
    for (var i = 0; i < n; i++) at.bit[i] <== index.bit[i];
    y <== at.out[0];
}
