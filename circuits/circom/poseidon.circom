pragma circom 2.1.6;

// The Poseidon hash of n elements over the scalar field of BN254: x^5, width n + 1, 8 full rounds, `partial` partial ones; the constants are
// those of the Poseidon paper's generator, as circomlib has them. The state begins (0, in[0], ..., in[n - 1]); the first element is the hash.

template Fifth() {
    signal input x;
    signal output out;
    signal square <== x * x;
    signal fourth <== square * square;
    out <== fourth * x;
}

template Poseidon(n, partial, constant, matrix) {
    signal input in[n];
    signal output out;
    var t = n + 1;
    component full[8][t];
    component one[partial];
    var state[t];
    state[0] = 0;
    for (var i = 0; i < n; i++) state[i + 1] = in[i];
    for (var r = 0; r < 8 + partial; r++) {
        for (var i = 0; i < t; i++) state[i] += constant[r][i];
        if (r < 4 || r >= 4 + partial) {
            var f = r < 4 ? r : r - partial;
            for (var i = 0; i < t; i++) {
                full[f][i] = Fifth();
                full[f][i].x <== state[i];
                state[i] = full[f][i].out;
            }
        } else {
            one[r - 4] = Fifth();
            one[r - 4].x <== state[0];
            state[0] = one[r - 4].out;
        }
        var mixed[t];
        for (var i = 0; i < t; i++) {
            mixed[i] = 0;
            for (var j = 0; j < t; j++) mixed[i] += matrix[i][j] * state[j];
        }
        state = mixed;
    }
    out <== state[0];
}
