/* Leopard (catid/leopard) as a peer. One call codes the whole block: calls for stripes of the rows,
 * which its API allows too, were no faster at any width. */
#include "leopard.h"

#include "peer.h"

#ifndef LEOPARD_VERSION
#define LEOPARD_VERSION ""
#endif

enum { codes_max = 8 };

typedef struct {
    unsigned k, m, encode_count, decode_count;
    size_t size;
    uint8_t *data, *want; /* want: parity that gave back all of the data by itself */
    uint8_t *encode_work, *decode_work;
    const void** rows; /* k + m pointers */
    void** work;
    uint8_t* lost;
} code;

const char* peer_name(void) { return "Leopard " LEOPARD_VERSION; }

/* The parity is the first m rows of encode_work. */
static int encode(code* c, double* ms) {
    for (unsigned i = 0; i < c->k; ++i) c->rows[i] = c->data + i * c->size;
    for (unsigned i = 0; i < c->encode_count; ++i) c->work[i] = c->encode_work + i * c->size;
    const double begin = peer_now_ms();
    const LeopardResult result = leo_encode(c->size, c->k, c->m, c->encode_count, c->rows, c->work);
    *ms = peer_now_ms() - begin;
    return result == Leopard_Success;
}

/* Lost rows are those that `lost` marks; of the parity that is left, as many rows are given as data
 * rows are lost. */
static int decode(code* c, double* ms) {
    unsigned missing = 0;
    for (unsigned i = 0; i < c->k; ++i) {
        c->rows[i] = c->lost[i] ? NULL : c->data + i * c->size;
        missing += c->lost[i];
    }
    for (unsigned i = c->k; i < c->k + c->m; ++i) {
        const int given = !c->lost[i] && missing > 0;
        c->rows[i] = given ? c->want + (i - c->k) * c->size : NULL;
        missing -= (unsigned)given;
    }
    for (unsigned i = 0; i < c->decode_count; ++i) c->work[i] = c->decode_work + i * c->size;
    const double begin = peer_now_ms();
    const LeopardResult result =
        leo_decode(c->size, c->k, c->m, c->decode_count, c->rows, c->rows + c->k, c->work);
    *ms = peer_now_ms() - begin;
    if (result != Leopard_Success) return 0;
    for (unsigned i = 0; i < c->k; ++i)
        if (c->lost[i] && memcmp(c->work[i], c->data + i * c->size, c->size) != 0) return 0;
    return 1;
}

static code* find_code(unsigned k, unsigned m, size_t size) {
    static code codes[codes_max];
    static unsigned count;
    for (unsigned i = 0; i < count; ++i)
        if (codes[i].k == k && codes[i].m == m && codes[i].size == size) return &codes[i];
    code made = {k,
                 m,
                 leo_encode_work_count(k, m),
                 leo_decode_work_count(k, m),
                 size,
                 NULL,
                 NULL,
                 NULL,
                 NULL,
                 NULL,
                 NULL,
                 NULL};
    if (count == codes_max || made.encode_count == 0 || made.decode_count == 0) return NULL;
    const unsigned most =
        made.encode_count > made.decode_count ? made.encode_count : made.decode_count;
    made.data = peer_bytes(k * size, 1);
    made.want = peer_bytes(m * size, 2);
    made.encode_work = peer_bytes(made.encode_count * size, 3);
    made.decode_work = peer_bytes(made.decode_count * size, 4);
    made.rows = calloc(k + m, sizeof *made.rows);
    made.work = calloc(most, sizeof *made.work);
    made.lost = calloc(k + m, 1);
    double ms = 0;
    if (made.rows == NULL || made.work == NULL || made.lost == NULL) exit(1);
    if (!encode(&made, &ms)) return NULL;
    memcpy(made.want, made.encode_work, m * size);
    memset(made.lost, 1, k);
    if (!decode(&made, &ms)) return NULL;
    codes[count] = made;
    return &codes[count++];
}

peer_answer peer_run(const char* const* words, size_t count) {
    if (count < 4) return peer_error("expected: encode|decode K M SIZE [LOST ...]");
    if (leo_init() != 0) return peer_error("this machine is not supported");
    const unsigned k = (unsigned)atoi(words[1]), m = (unsigned)atoi(words[2]);
    const size_t size = (size_t)atoi(words[3]);
    if (m > k) return peer_error("no more parity than data rows in this library");
    code* c = find_code(k, m, size);
    if (c == NULL) return peer_error("the code cannot be made, or gives other data back");
    peer_answer answer = {0, k * size, 0, NULL};
    if (strcmp(words[0], "encode") == 0) {
        const int coded = encode(c, &answer.ms);
        answer.check = coded && memcmp(c->encode_work, c->want, m * size) == 0;
        return answer;
    }
    if (strcmp(words[0], "decode") != 0) return peer_error("not a measure of this peer");
    memset(c->lost, 0, k + m);
    for (size_t i = 4; i < count; ++i) {
        const unsigned lost = (unsigned)atoi(words[i]);
        if (lost >= k + m) return peer_error("a lost row is outside the code");
        c->lost[lost] = 1;
    }
    answer.check = decode(c, &answer.ms);
    return answer;
}

int main(void) { return peer_main(); }
