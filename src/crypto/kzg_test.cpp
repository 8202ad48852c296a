#include "crypto/kzg.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto {
namespace {

using Vector = std::vector<Scalar>;

Vector random_vector(std::uint64_t seed) {
    SeededRandom random(seed);
    Vector out(kSlots);
    for (auto& scalar : out) scalar = to_scalar(random.fixed<Digest>());
    return out;
}

// Committed vectors with what is needed to open them together.
struct Batch {
    explicit Batch(std::size_t count) : vectors(count) {
        SeededRandom random(count);
        for (auto& vector : vectors) {
            vector = random_vector(random.next_u64());
            spans.emplace_back(vector);
            commitments.push_back(commit(vector));
            gammas.push_back(random.fixed<Digest>());
        }
    }
    Vector values_at(std::uint32_t slot) const {
        Vector out;
        for (const auto& vector : vectors) out.push_back(vector[slot]);
        return out;
    }
    KzgProof open(std::uint32_t slot) const { return open_slot(spans, gammas, slot); }
    bool verify(const Vector& values, std::uint32_t slot, const KzgProof& proof) const {
        return verify_slot(commitments, values, gammas, slot, proof);
    }

    std::vector<Vector> vectors;
    std::vector<std::span<const Scalar>> spans;
    std::vector<KzgCommitment> commitments;
    std::vector<Digest> gammas;
};

template <class Fixed>
Fixed flipped(Fixed value, std::size_t bit) {
    value.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    return value;
}

KzgCommitment infinity() {
    KzgCommitment out{};
    out.bytes[0] = 0xc0;
    return out;
}

Digest digest_of_low_bytes(ByteSpan low) {
    Digest out;
    std::copy(low.begin(), low.end(), out.bytes.begin());
    return out;
}

Vector values_of(const boost::json::value& committed) {
    const auto& values = committed.at("values");
    if (values.is_int64())
        return Vector(kSlots, Scalar{{static_cast<std::uint8_t>(values.as_int64())}});
    Vector out;
    for (const auto& value : values.as_array())
        out.push_back(*Scalar::from_hex(std::string_view(value.as_string())));
    return out;
}

TEST(Kzg, gives_the_commitments_and_proofs_of_c_kzg) {
    const auto file = read_vectors(MUTIRAO_VECTORS "/crypto/kzg.json");
    std::vector<Vector> vectors;
    std::vector<KzgCommitment> commitments;
    for (const auto& c : file.at("committed").as_array()) {
        vectors.push_back(values_of(c));
        commitments.push_back(fixed_at<KzgCommitment>(c, "commitment"));
        EXPECT_EQ(commit(vectors.back()), commitments.back());
    }
    std::vector<Digest> gammas;
    for (const auto& gamma : file.at("gammas").as_array())
        gammas.push_back(digest_of_low_bytes(*from_hex(std::string_view(gamma.as_string()))));
    const std::vector<std::span<const Scalar>> one{vectors[0]}, two{vectors[0], vectors[1]};
    const std::vector<Digest> weight_one{{{1}}};
    for (const auto& opening : file.at("openings").as_array()) {
        const auto slot = opening.at("slot").to_number<std::uint32_t>();
        const auto proof = fixed_at<KzgProof>(opening, "proof"),
                   combined = fixed_at<KzgProof>(opening, "combined_proof");
        EXPECT_EQ(open_slot(one, weight_one, slot), proof);
        EXPECT_EQ(open_slot(two, gammas, slot), combined);
        const Vector values{vectors[0][slot], vectors[1][slot]};
        EXPECT_TRUE(verify_slot(std::span(commitments).first(1), std::span(values).first(1),
                                weight_one, slot, proof));
        EXPECT_TRUE(verify_slot(std::span(commitments).first(2), values, gammas, slot, combined));
    }
}

TEST(Kzg, opens_one_vector_and_many_at_any_slot) {
    for (const std::size_t count : {1u, 2u, 9u}) {
        const Batch batch(count);
        for (const std::uint32_t slot : {0u, 1u, 100u, 255u}) {
            const auto proof = batch.open(slot);
            EXPECT_TRUE(batch.verify(batch.values_at(slot), slot, proof));
            EXPECT_FALSE(batch.verify(batch.values_at(slot), (slot + 1) % kSlots, proof));
            EXPECT_FALSE(batch.verify(batch.values_at(slot ^ 1), slot, proof));
            auto values = batch.values_at(slot);
            values[count - 1] = flipped(values[count - 1], 3);
            EXPECT_FALSE(batch.verify(values, slot, proof));
        }
    }
}

TEST(Kzg, values_and_commitments_may_not_be_exchanged) {
    Batch batch(2);
    const auto proof = batch.open(9);
    const auto values = batch.values_at(9);
    EXPECT_FALSE(batch.verify({values[1], values[0]}, 9, proof));
    std::swap(batch.gammas[0], batch.gammas[1]);
    EXPECT_FALSE(batch.verify(values, 9, proof));
    std::swap(batch.gammas[0], batch.gammas[1]);
    std::swap(batch.commitments[0], batch.commitments[1]);
    EXPECT_FALSE(batch.verify(values, 9, proof));
}

TEST(Kzg, refuses_every_flipped_bit_of_proof_commitment_and_value) {
    Batch batch(1);
    const auto proof = batch.open(77);
    const auto values = batch.values_at(77);
    const auto commitment = batch.commitments[0];
    for (std::size_t bit = 0; bit < 8 * KzgProof::kSize; ++bit)
        ASSERT_FALSE(batch.verify(values, 77, flipped(proof, bit))) << bit;
    for (std::size_t bit = 0; bit < 8 * Scalar::kSize; bit += 5)
        ASSERT_FALSE(batch.verify({flipped(values[0], bit)}, 77, proof)) << bit;
    for (std::size_t bit = 0; bit < 8 * KzgCommitment::kSize; ++bit) {
        batch.commitments[0] = flipped(commitment, bit);
        ASSERT_FALSE(batch.verify(values, 77, proof)) << bit;
    }
}

// 1 and 1 + r are one field element; only the first is a Scalar.
TEST(Kzg, a_value_has_one_form) {
    const Vector ones(kSlots, Scalar{{1}});
    const auto one_plus_order =
        *Scalar::from_hex("02000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73");
    const std::vector<std::span<const Scalar>> spans{ones};
    const std::vector<Digest> gammas{{{9}}};
    const std::vector commitments{commit(ones)};
    const auto proof = open_slot(spans, gammas, 0);
    EXPECT_TRUE(verify_slot(commitments, std::vector{ones[0]}, gammas, 0, proof));
    EXPECT_FALSE(verify_slot(commitments, std::vector{one_plus_order}, gammas, 0, proof));
    const Vector other(kSlots, one_plus_order);
    const std::vector<std::span<const Scalar>> other_spans{other};
    EXPECT_TRUE(verify_commitments(commitments, spans, {}));
    EXPECT_FALSE(verify_commitments(commitments, other_spans, {}));
}

// The proof of a constant vector, and the commitment to zeros, are the point at infinity.
TEST(Kzg, infinity_opens_constant_vectors_only) {
    const Vector zeros(kSlots), fives(kSlots, Scalar{{5}});
    EXPECT_EQ(commit(zeros), infinity());
    const std::vector<Digest> gammas{{{1}}};
    const KzgProof nothing{infinity().bytes};
    for (const auto& vector : {zeros, fives}) {
        const std::vector<std::span<const Scalar>> spans{vector};
        EXPECT_EQ(open_slot(spans, gammas, 3), nothing);
        EXPECT_TRUE(
            verify_slot(std::vector{commit(vector)}, std::vector{vector[3]}, gammas, 3, nothing));
        EXPECT_FALSE(
            verify_slot(std::vector{commit(vector)}, std::vector{Scalar{{6}}}, gammas, 3, nothing));
    }
    const Batch batch(1);
    EXPECT_FALSE(batch.verify(batch.values_at(3), 3, nothing));
}

TEST(Kzg, refuses_sizes_and_slots_that_do_not_fit) {
    const Batch batch(2);
    const auto proof = batch.open(5);
    const auto values = batch.values_at(5);
    EXPECT_FALSE(batch.verify({values[0]}, 5, proof));
    EXPECT_FALSE(batch.verify({values[0], values[1], values[1]}, 5, proof));
    EXPECT_FALSE(batch.verify(values, kSlots, proof));
    EXPECT_FALSE(batch.verify(values, kSlots + 5, proof));
    EXPECT_FALSE(
        verify_slot(batch.commitments, values, std::span(batch.gammas).first(1), 5, proof));
    EXPECT_FALSE(verify_slot(std::span<const KzgCommitment>{}, {}, {}, 5, proof));
    EXPECT_FALSE(verify_slot(std::span<const CheckedCommitment>{}, {}, {}, 5, proof));
}

TEST(VerifyCommitments, accepts_the_vectors_and_nothing_else) {
    Batch batch(8);
    const Digest seed{{1, 2, 3}};
    EXPECT_TRUE(verify_commitments(batch.commitments, batch.spans, seed));
    for (const std::size_t j : {0u, 7u}) {
        const auto kept = batch.vectors[j][200];
        batch.vectors[j][200] = flipped(kept, 0);
        EXPECT_FALSE(verify_commitments(batch.commitments, batch.spans, seed));
        batch.vectors[j][200] = kept;
    }
    std::swap(batch.commitments[1], batch.commitments[2]);
    EXPECT_FALSE(verify_commitments(batch.commitments, batch.spans, seed));
    std::swap(batch.commitments[1], batch.commitments[2]);
    EXPECT_TRUE(verify_commitments(batch.commitments, batch.spans, seed));
    EXPECT_FALSE(verify_commitments(batch.commitments, std::span(batch.spans).first(7), seed));
    EXPECT_FALSE(verify_commitments({}, {}, seed));
    batch.spans[4] = batch.spans[4].first(255);
    EXPECT_FALSE(verify_commitments(batch.commitments, batch.spans, seed));
}

// Two errors that cancel in a plain sum must not cancel under the weights.
TEST(VerifyCommitments, errors_do_not_cancel_out) {
    Batch batch(2);
    std::swap(batch.vectors[0][10], batch.vectors[1][10]);
    EXPECT_FALSE(verify_commitments(batch.commitments, batch.spans, Digest{{4}}));
}

// A weight of zero counts as one, so that its vector is looked at all the same.
TEST(Kzg, zero_weights_hide_nothing) {
    Batch batch(2);
    batch.gammas = {Digest{}, Digest{}};
    batch.gammas[0].bytes[16] = 9;  // beyond the low 128 bits
    const auto proof = batch.open(5);
    auto values = batch.values_at(5);
    EXPECT_TRUE(batch.verify(values, 5, proof));
    values[0] = flipped(values[0], 0);
    EXPECT_FALSE(batch.verify(values, 5, proof));
    batch.gammas[0] = Digest{{1}};
    EXPECT_TRUE(batch.verify(batch.values_at(5), 5, proof));
}

TEST(CheckedCommitment, opens_as_the_commitment_that_it_was_made_of) {
    const Batch batch(3);
    std::vector<CheckedCommitment> checked;
    for (const auto& commitment : batch.commitments)
        checked.push_back(*CheckedCommitment::check(commitment));
    const auto proof = batch.open(8);
    auto values = batch.values_at(8);
    EXPECT_TRUE(verify_slot(checked, values, batch.gammas, 8, proof));
    EXPECT_FALSE(verify_slot(checked, values, batch.gammas, 9, proof));
    std::swap(checked[0], checked[1]);
    EXPECT_FALSE(verify_slot(checked, values, batch.gammas, 8, proof));
    std::swap(checked[0], checked[1]);
    values[2] = flipped(values[2], 100);
    EXPECT_FALSE(verify_slot(checked, values, batch.gammas, 8, proof));
}

// (0, 2) is on the curve and has order 3.
TEST(Kzg, refuses_points_outside_the_group_everywhere) {
    KzgCommitment outside{};
    outside.bytes[0] = 0x80;
    EXPECT_FALSE(CheckedCommitment::check(outside).ok());
    EXPECT_EQ(CheckedCommitment::check(outside).error().kind, ErrorKind::corrupt);
    EXPECT_FALSE(CheckedCommitment::check(KzgCommitment{}).ok());
    Batch batch(2);
    const auto proof = batch.open(1);
    EXPECT_FALSE(batch.verify(batch.values_at(1), 1, KzgProof{outside.bytes}));
    batch.commitments[1] = outside;
    EXPECT_FALSE(batch.verify(batch.values_at(1), 1, proof));
    EXPECT_FALSE(verify_commitments(batch.commitments, batch.spans, Digest{{1}}));
}

TEST(ToScalar, keeps_all_but_the_top_two_bits) {
    Digest digest;
    digest.bytes.fill(0xff);
    Scalar expected{digest.bytes};
    expected.bytes[31] = 0x3f;
    EXPECT_EQ(to_scalar(digest), expected);
}

TEST(Kzg, a_commitment_is_shown_to_be_that_of_a_vector_by_one_opening) {
    SeededRandom random(76);
    const auto values = random_vector(77);
    const auto commitment = commit(values);
    const auto challenge = random.fixed<Digest>();
    const auto value = evaluate(values, challenge);
    const auto proof = open_point(values, challenge);
    EXPECT_TRUE(verify_point(commitment, challenge, value, proof));
    for (const std::uint32_t i : {0u, 1u, 100u, 255u}) {
        auto other = values;
        other[i].bytes[3] ^= 1;
        const auto value_of_other = evaluate(other, challenge);
        EXPECT_NE(value_of_other, value);
        EXPECT_FALSE(verify_point(commitment, challenge, value_of_other, proof));
        EXPECT_FALSE(verify_point(commit(other), challenge, value, proof));
        // The liar's own proof for the wrong pair does not help either.
        EXPECT_FALSE(
            verify_point(commitment, challenge, value_of_other, open_point(other, challenge)));
        EXPECT_FALSE(verify_point(commit(other), challenge, value, open_point(other, challenge)));
    }
    EXPECT_FALSE(verify_point(commitment, random.fixed<Digest>(), value, proof));
    auto malformed = proof;
    malformed.bytes[0] ^= 0x80;
    EXPECT_FALSE(verify_point(commitment, challenge, value, malformed));
}

TEST(Kzg, many_openings_hold_together_when_each_does) {
    EXPECT_TRUE(verify_openings({}));
    std::vector<PointOpening> all;
    SeededRandom random(79);
    for (std::uint64_t i = 0; i < 5; ++i) {
        const auto values = random_vector(100 + i);
        const auto challenge = random.fixed<Digest>();
        all.push_back({commit(values), challenge, evaluate(values, challenge),
                       open_point(values, challenge)});
        EXPECT_TRUE(verify_openings(all));
        EXPECT_TRUE(verify_openings({&all.back(), 1}));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto wrong = all;
        wrong[i].value.bytes[0] ^= 1;
        EXPECT_FALSE(verify_openings(wrong));
        wrong = all;
        wrong[i].challenge.bytes[0] ^= 1;
        EXPECT_FALSE(verify_openings(wrong));
        wrong = all;
        wrong[i].proof.bytes[0] ^= 0x80;
        EXPECT_FALSE(verify_openings(wrong));
        // Swapped, they would cancel out in a plain sum.
        wrong = all;
        std::swap(wrong[i].proof, wrong[(i + 1) % all.size()].proof);
        EXPECT_FALSE(verify_openings(wrong));
        EXPECT_FALSE(verify_openings({&wrong[i], 1}));
    }
    // Infinity: the commitment to zeros, among others.
    const std::vector<Scalar> zeros(kSlots);
    all.push_back({commit(zeros), {}, {}, open_point(zeros, {})});
    EXPECT_TRUE(verify_openings(all));
    EXPECT_TRUE(verify_openings({&all.back(), 1}));
}

TEST(Kzg, a_value_is_written_in_one_way_only) {
    // The value 1 at any point, and 1 + r, which is the same number to the field.
    std::vector<Scalar> ones(kSlots);
    for (auto& scalar : ones) scalar.bytes[0] = 1;
    const Digest challenge{{5}};
    const auto value = evaluate(ones, challenge);
    EXPECT_EQ(to_hex(value.span()), "01" + std::string(62, '0'));
    EXPECT_TRUE(verify_point(commit(ones), challenge, value, open_point(ones, challenge)));
    const auto above =
        KzgValue::from_hex("02000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73")
            .value();
    EXPECT_FALSE(verify_point(commit(ones), challenge, above, open_point(ones, challenge)));
}

TEST(Kzg, a_challenge_inside_the_domain_is_moved_out_of_it) {
    const auto values = random_vector(78);
    Digest one;
    one.bytes[0] = 1;  // w^0
    Digest two;
    two.bytes[0] = 2;
    EXPECT_EQ(evaluate(values, one), evaluate(values, two));
    EXPECT_TRUE(verify_point(commit(values), one, evaluate(values, one), open_point(values, one)));
}

TEST(Kzg, the_commitment_to_nothing_but_zeros_can_be_shown) {
    const std::vector<Scalar> zeros(kSlots);
    const Digest challenge{};
    EXPECT_TRUE(verify_point(commit(zeros), challenge, KzgValue{}, open_point(zeros, challenge)));
}

}  // namespace
}  // namespace mutirao::crypto
