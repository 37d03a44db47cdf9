pragma circom 2.1.6;

// Values that are known to be in the range of their type, as limbs: (v + offset) in `bits` bits each, `per` of them a limb, the first lowest.
template Pack(n, per, bits, offset) {
    var limbs = (n + per - 1) \ per;
    signal input v[n];
    signal output out[limbs];
    for (var j = 0; j < limbs; j++) {
        var sum = 0;
        for (var i = 0; i < per && j * per + i < n; i++) sum += (v[j * per + i] + offset) * 2**(bits * i);
        out[j] <== sum;
    }
}
