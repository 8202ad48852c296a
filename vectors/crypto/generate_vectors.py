"""Writes blake3.json, bls.json, kzg.json and sealed.json with other people's implementations.

Usage: generate_vectors.py TRUSTED_SETUP.TXT
Needs the PyPI packages blake3 1.0, py_ecc 8.0, ckzg 2.1 and pycryptodome 4.4 (README.md says what
each one is). Every input follows from a counter, so a run always writes the same files.
"""
import hashlib
import json
import os
import sys

import blake3
import ckzg
from Crypto.Cipher import AES
from Crypto.Protocol.DH import import_x25519_private_key, import_x25519_public_key, key_agreement
from py_ecc.bls import G2ProofOfPossession as draft
from py_ecc.bls.hash_to_curve import hash_to_G1
from py_ecc.bls.point_compression import compress_G1, compress_G2
from py_ecc.optimized_bls12_381 import G2, add, curve_order, multiply

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, value):
    with open(os.path.join(HERE, name), "w", encoding="ascii") as out:
        json.dump(value, out, indent=1)
        out.write("\n")


def pattern(size):
    return bytes(i % 251 for i in range(size))


def draw(label, i):
    return hashlib.sha256(f"{label} {i}".encode()).digest()


def blake3_vectors():
    sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2048, 2049,
             3072, 3073, 4096, 4097, 5120, 5121, 6144, 6145, 7168, 7169, 8192, 8193, 15360, 16384,
             16385, 17408, 31744, 32768, 32769, 65536, 65537, 102400]
    key, context = b"whats the Elvish word for friend", "BLAKE3 2019-12-27 16:29:52 test vectors context"
    cases = [{"input_len": size,
              "hash": blake3.blake3(pattern(size)).hexdigest(131),
              "keyed_hash": blake3.blake3(pattern(size), key=key).hexdigest(131),
              "derive_key": blake3.blake3(pattern(size), derive_key_context=context).hexdigest(131)}
             for size in sizes]
    write("blake3.json", {"key": key.decode(), "context_string": context, "cases": cases})


def bls_vectors():
    sign_domain = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_"
    possession_domain = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_"

    def sign(secret, message, domain):
        return compress_G1(multiply(hash_to_G1(message, domain, hashlib.sha256), secret)).to_bytes(48, "big")

    def g2_bytes(point):
        return b"".join(part.to_bytes(48, "big") for part in compress_G2(point))

    shared = b"a block of data is available"
    keys, total = [], None
    for i in range(4):
        material = draw("bls key material", i)
        secret = draft.KeyGen(material)
        public = multiply(G2, secret)
        message = pattern(13 * i)
        keys.append({"material": material.hex(), "secret": secret.to_bytes(32, "big").hex(),
                     "public_key": g2_bytes(public).hex(), "message": message.hex(),
                     "signature": sign(secret, message, sign_domain).hex(),
                     "possession": sign(secret, g2_bytes(public), possession_domain).hex()})
        signature = multiply(hash_to_G1(shared, sign_domain, hashlib.sha256), secret)
        total = signature if total is None else add(total, signature)
    write("bls.json", {"keys": keys, "shared_message": shared.hex(),
                       "aggregate": compress_G1(total).to_bytes(48, "big").hex()})


SLOTS, WIDTH = 256, 4096


def root_of_unity(order):
    return pow(7, (curve_order - 1) // order, curve_order)


def coefficients(values):
    """The polynomial of degree < 256 with these values at the 256th roots of unity."""
    inverse_root, inverse_size = pow(root_of_unity(SLOTS), -1, curve_order), pow(SLOTS, -1, curve_order)
    return [sum(v * pow(inverse_root, i * s, curve_order) for s, v in enumerate(values)) * inverse_size
            % curve_order for i in range(SLOTS)]


def evaluate(polynomial, x):
    result = 0
    for coefficient in reversed(polynomial):
        result = (result * x + coefficient) % curve_order
    return result


def blob_of(polynomial):
    """EIP-4844's form: values at the 4096th roots of unity in bit-reversed order, big-endian."""
    root, parts = root_of_unity(WIDTH), []
    for i in range(WIDTH):
        place = int(format(i, "012b")[::-1], 2)
        parts.append(evaluate(polynomial, pow(root, place, curve_order)).to_bytes(32, "big"))
    return b"".join(parts)


def kzg_vectors(setup_path):
    setup = ckzg.load_trusted_setup(setup_path, 0)
    vectors = [[int.from_bytes(draw(f"slot value {j}", s), "little") % 2**254 for s in range(SLOTS)]
               for j in range(2)] + [[5] * SLOTS, [0] * SLOTS]
    committed = [{"values": [v.to_bytes(32, "little").hex() for v in values] if j < 2 else values[0],
                  "commitment": ckzg.blob_to_kzg_commitment(blob_of(coefficients(values)), setup).hex()}
                 for j, values in enumerate(vectors)]

    gammas = [int.from_bytes(draw("gamma", j)[:16], "little") for j in range(2)]
    combined = [sum(g * v[s] for g, v in zip(gammas, vectors)) % curve_order for s in range(SLOTS)]
    blobs = [blob_of(coefficients(vectors[0])), blob_of(coefficients(combined))]
    openings = []
    for slot in [0, 1, 7, 128, 255]:
        z = pow(root_of_unity(SLOTS), slot, curve_order).to_bytes(32, "big")
        single, y = ckzg.compute_kzg_proof(blobs[0], z, setup)
        assert int.from_bytes(y, "big") == vectors[0][slot]
        openings.append({"slot": slot, "proof": single.hex(),
                         "combined_proof": ckzg.compute_kzg_proof(blobs[1], z, setup)[0].hex()})

    equation = []
    for i in range(3):  # polynomials of degree 4095 at points of no domain
        blob = b"".join((int.from_bytes(draw(f"blob {i}", k), "big") % curve_order).to_bytes(32, "big")
                        for k in range(WIDTH))
        commitment = ckzg.blob_to_kzg_commitment(blob, setup)
        z = (int.from_bytes(draw("z", i), "big") % curve_order).to_bytes(32, "big")
        proof, y = ckzg.compute_kzg_proof(blob, z, setup)
        wrong = ((int.from_bytes(y, "big") + 1) % curve_order).to_bytes(32, "big")
        for claimed in (y, wrong):
            equation.append({"commitment": commitment.hex(), "z": z.hex(), "y": claimed.hex(),
                             "proof": proof.hex(),
                             "opens": ckzg.verify_kzg_proof(commitment, z, claimed, proof, setup)})
    write("kzg.json", {"committed": committed, "gammas": [g.to_bytes(16, "little").hex() for g in gammas],
                       "openings": openings, "equation": equation})


def seal(key, sequence, associated, plain):
    """aead.hpp's layout, with another AES-GCM."""
    size, out = 1 << 20, b""
    segments = max(1, -(-len(plain) // size))
    for i in range(segments):
        marked = i | (1 << 63 if i + 1 == segments else 0)
        cipher = AES.new(key, AES.MODE_GCM, nonce=sequence.to_bytes(4, "little") + marked.to_bytes(8, "little"))
        cipher.update(associated)
        out += b"".join(cipher.encrypt_and_digest(plain[i * size:(i + 1) * size]))
    return out


def sealed_vectors():
    key, associated = draw("aead key", 0), b"header"
    messages = []
    for i, size in enumerate([0, 1, 100, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (5 << 19)]):
        sealed = seal(key, 1000 + i, associated, pattern(size))
        messages.append({"sequence": 1000 + i, "plain_size": size, "sealed_size": len(sealed),
                         "sealed_sha256": hashlib.sha256(sealed).hexdigest()})
        if size <= 100:
            messages[-1]["sealed"] = sealed.hex()

    def public(secret):
        return import_x25519_private_key(secret).public_key().export_key(format="raw")

    reader, sender = draw("reader", 0), draw("sender", 0)
    shared = key_agreement(static_priv=import_x25519_private_key(sender),
                           static_pub=import_x25519_public_key(public(reader)), kdf=lambda x: x)
    material = shared + public(sender) + public(reader)
    box_key = blake3.blake3(material, derive_key_context="mutirao v1 sealed box").digest()
    context, secret = b"share 3 of 5", draw("box secret", 0)
    commitment_key = blake3.blake3(b"", derive_key_context="mutirao v1 key").digest()
    write("sealed.json", {
        "key": key.hex(), "key_commitment": blake3.blake3(key, key=commitment_key).hexdigest(),
        "associated": associated.hex(), "messages": messages,
        "box": {"reader_secret": reader.hex(), "reader_public": public(reader).hex(),
                "sender_secret": sender.hex(), "context": context.hex(), "secret": secret.hex(),
                "box": (public(sender) + seal(box_key, 0, context, secret)).hex()}})


if __name__ == "__main__":
    blake3_vectors()
    bls_vectors()
    kzg_vectors(sys.argv[1])
    sealed_vectors()
