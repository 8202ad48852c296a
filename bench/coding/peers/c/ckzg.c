/* c-kzg as a peer: what a block costs where the data itself is committed to and proven, cell by
 * cell (EIP-7594). The trusted setup's path is the first argument; precompute is 8, its fastest
 * recommended setting. Blobs hold 31 bytes of data in each of their 4096 field elements. */
#include "ckzg.h"

#include "peer.h"

enum { blobs_max = 8, precompute = 8, cells = CELLS_PER_EXT_BLOB };

static KZGSettings settings;
static Blob blobs[blobs_max];
static KZGCommitment commitments[blobs_max];
static Cell cell[blobs_max][cells];
static KZGProof proof[blobs_max][cells];

const char* peer_name(void) { return "c-kzg 4.1.0"; }

static int prove(size_t count) {
    for (size_t i = 0; i < count; ++i)
        if (blob_to_kzg_commitment(&commitments[i], &blobs[i], &settings) != C_KZG_OK ||
            compute_cells_and_kzg_proofs(cell[i], proof[i], &blobs[i], &settings) != C_KZG_OK)
            return 0;
    return 1;
}

/* The first `each` cells of every blob, in one batch. */
static int verify(size_t count, size_t each, double* ms) {
    static Bytes48 of[blobs_max * cells], by[blobs_max * cells];
    static Cell what[blobs_max * cells];
    static uint64_t at[blobs_max * cells];
    for (size_t i = 0; i < count * each; ++i) {
        of[i] = commitments[i / each];
        by[i] = proof[i / each][i % each];
        what[i] = cell[i / each][i % each];
        at[i] = i % each;
    }
    bool ok = false;
    const double begin = peer_now_ms();
    const C_KZG_RET ret =
        verify_cell_kzg_proof_batch(&ok, of, at, what, by, count * each, &settings);
    *ms = peer_now_ms() - begin;
    return ret == C_KZG_OK && ok;
}

peer_answer peer_run(const char* const* words, size_t count) {
    static size_t proven; /* blobs */
    const size_t number = count >= 2 ? (size_t)atoi(words[1]) : 0;
    peer_answer answer = {0, number * FIELD_ELEMENTS_PER_BLOB * 31, 0, NULL};
    if (number < 1 || number > blobs_max) return peer_error("expected: 1 to 8 blobs");
    if (strcmp(words[0], "prove") == 0 && count == 2) {
        const double begin = peer_now_ms();
        const int done = prove(number);
        answer.ms = peer_now_ms() - begin;
        if (done && proven < number) proven = number;
        double unused = 0;
        answer.check = done && verify(number, cells, &unused);
        return answer;
    }
    if (strcmp(words[0], "verify") == 0 && count == 3) {
        const size_t each = (size_t)atoi(words[2]);
        if (each < 1 || each > cells) return peer_error("a blob has 128 cells");
        if (proven < number && !prove(number)) return peer_error("the proofs cannot be made");
        if (proven < number) proven = number;
        answer.check = verify(number, each, &answer.ms);
        return answer;
    }
    return peer_error("expected: prove BLOBS, or verify BLOBS CELLS");
}

int main(int argc, char** argv) {
    FILE* setup = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (setup == NULL || load_trusted_setup_file(&settings, setup, precompute) != C_KZG_OK) {
        fprintf(stderr, "usage: ckzg TRUSTED_SETUP\n");
        return 1;
    }
    fclose(setup);
    uint8_t* bytes = peer_bytes(sizeof blobs, 1);
    memcpy(blobs, bytes, sizeof blobs);
    free(bytes);
    /* The first byte of an element stays zero, so that it is below the group's order. */
    for (size_t i = 0; i < sizeof blobs; i += 32) ((uint8_t*)blobs)[i] = 0;
    return peer_main();
}
