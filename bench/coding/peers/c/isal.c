/* ISA-L as a peer: a matrix code over GF(2^8), so at most 256 rows. Each call codes a tile of every
 * row, small enough for the cache; the fastest of several widths is found at the first request. */
#include <isa-l/erasure_code.h>

#include "peer.h"

#ifndef ISAL_VERSION
#define ISAL_VERSION "of unknown version"
#endif

typedef struct {
    int k, m;
    size_t size;
    int tile;
    uint8_t* tables;
    uint8_t *data, *parity, *want; /* want: parity that gave back lost data */
    uint8_t *from[256], *to[256];
} code;

const char* peer_name(void) { return "ISA-L " ISAL_VERSION; }

static double run(code* c, int tile) {
    const double begin = peer_now_ms();
    for (size_t at = 0; at < c->size; at += (size_t)tile) {
        for (int i = 0; i < c->k; ++i) c->from[i] = c->data + (size_t)i * c->size + at;
        for (int i = 0; i < c->m; ++i) c->to[i] = c->parity + (size_t)i * c->size + at;
        ec_encode_data(tile, c->k, c->m, c->tables, c->from, c->to);
    }
    return peer_now_ms() - begin;
}

static void choose_tile(code* c) {
    double best = 0;
    for (int tile = 1024; (size_t)tile <= c->size && tile <= 65536; tile *= 2)
        for (int round = 0; round < 3; ++round) {
            if (c->size % (size_t)tile != 0) continue;
            const double ms = run(c, tile);
            if (c->tile == 0 || ms < best) best = ms, c->tile = tile;
        }
}

/* Rebuilds the first m data rows (all, if there are no more) from the rest and the parity. */
static int gives_back(code* c, const uint8_t* matrix) {
    const int lost = c->m < c->k ? c->m : c->k;
    uint8_t *kept = malloc((size_t)c->k * (size_t)c->k), *inverse = malloc((size_t)c->k * c->k);
    uint8_t *tables = malloc((size_t)32 * c->k * lost), *out = malloc((size_t)lost * c->size);
    if (kept == NULL || inverse == NULL || tables == NULL || out == NULL) exit(1);
    for (int i = 0; i < c->k; ++i) {
        const int row = i < c->k - lost ? lost + i : c->k + i - (c->k - lost);
        memcpy(kept + i * c->k, matrix + row * c->k, (size_t)c->k);
        c->from[i] = row < c->k ? c->data + (size_t)row * c->size
                                : c->parity + (size_t)(row - c->k) * c->size;
    }
    for (int i = 0; i < lost; ++i) c->to[i] = out + (size_t)i * c->size;
    int right = gf_invert_matrix(kept, inverse, c->k) == 0;
    if (right) {
        ec_init_tables(c->k, lost, inverse, tables);
        ec_encode_data((int)c->size, c->k, lost, tables, c->from, c->to);
        right = memcmp(out, c->data, (size_t)lost * c->size) == 0;
    }
    free(kept), free(inverse), free(tables), free(out);
    return right;
}

static code* find_code(int k, int m, size_t size) {
    static code codes[8];
    static int count;
    for (int i = 0; i < count; ++i)
        if (codes[i].k == k && codes[i].m == m && codes[i].size == size) return &codes[i];
    if (count == 8) return NULL;
    code* c = &codes[count];
    memset(c, 0, sizeof *c);
    c->k = k, c->m = m, c->size = size;
    c->data = peer_bytes((size_t)k * size, 1);
    c->parity = peer_bytes((size_t)m * size, 2);
    c->want = peer_bytes((size_t)m * size, 3);
    c->tables = malloc((size_t)32 * k * m);
    uint8_t* matrix = malloc((size_t)(k + m) * k);
    if (c->tables == NULL || matrix == NULL) exit(1);
    gf_gen_cauchy1_matrix(matrix, k + m, k);
    ec_init_tables(k, m, matrix + k * k, c->tables);
    choose_tile(c);
    if (c->tile == 0) return NULL;
    const int right = gives_back(c, matrix);
    memcpy(c->want, c->parity, (size_t)m * size);
    free(matrix);
    if (!right) return NULL;
    ++count;
    return c;
}

peer_answer peer_run(const char* const* words, size_t count) {
    if (count != 4 || strcmp(words[0], "encode") != 0)
        return peer_error("expected: encode K M SIZE");
    const int k = atoi(words[1]), m = atoi(words[2]), size = atoi(words[3]);
    if (k < 1 || m < 1 || size < 1 || k + m > 256) return peer_error("at most 256 rows in all");
    code* c = find_code(k, m, (size_t)size);
    if (c == NULL) return peer_error("the code cannot be made, or gives other data back");
    peer_answer answer = {run(c, c->tile), (size_t)k * c->size, 0, NULL};
    answer.check = memcmp(c->parity, c->want, (size_t)m * c->size) == 0;
    return answer;
}

int main(void) { return peer_main(); }
