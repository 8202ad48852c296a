/* What the C peers of bench_coding share; bench/coding/peers/README.md has the requests.
 *
 * A peer reads one request a line, runs it once and prints one JSON line. Memory is allocated and
 * touched at a shape's first request and lives on, so that page faults are not timed. */
#ifndef PEER_H
#define PEER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PEER_WORDS_MAX 70000 /* 65536 lost rows and the rest */

typedef struct {
    double ms;
    size_t bytes;      /* of data that were coded */
    int check;         /* the result is right */
    const char* error; /* why there is none; NULL on success */
} peer_answer;

/* Implemented by each peer. `words` are those of the request, at least one. */
peer_answer peer_run(const char* const* words, size_t count);
const char* peer_name(void);

static inline double peer_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* `count` bytes on a page of their own, filled with SplitMix64. Ends the program without memory. */
static inline uint8_t* peer_bytes(size_t count, uint64_t seed) {
    uint8_t* out = aligned_alloc(4096, (count + 4095) / 4096 * 4096);
    if (out == NULL) exit(1);
    for (size_t i = 0; i < count; ++i) {
        if (i % 8 == 0) seed += 0x9e3779b97f4a7c15u;
        uint64_t z = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        out[i] = (uint8_t)((z ^ z >> 31) >> 8 * (i % 8));
    }
    return out;
}

static inline peer_answer peer_error(const char* error) {
    peer_answer answer = {0, 0, 0, error};
    return answer;
}

static inline int peer_main(void) {
    static const char* words[PEER_WORDS_MAX];
    char* line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        size_t count = 0;
        for (char* word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n"))
            if (count < PEER_WORDS_MAX) words[count++] = word;
        if (count == 0) continue;
        const peer_answer answer = peer_run(words, count);
        printf("{\"peer\":\"%s\",\"measure\":\"%s", peer_name(), words[0]);
        for (size_t i = 1; i < count && i < 4; ++i) printf(" %s", words[i]);
        if (answer.error != NULL)
            printf("\",\"error\":\"%s\"}\n", answer.error);
        else
            printf("\",\"ms\":%.6f,\"bytes\":%zu,\"check\":%s}\n", answer.ms, answer.bytes,
                   answer.check ? "true" : "false");
        fflush(stdout);
    }
    free(line);
    return 0;
}

#endif
