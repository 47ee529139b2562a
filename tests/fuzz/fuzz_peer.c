/*
 * Fuzzes the decoder of validators' frames. Whatever it accepts must encode to the very bytes that
 * it was decoded from; whatever it refuses must leave the arena alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/peer_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t memory[PEER_ARENA_BYTES];
    struct arena arena = arena_over(memory, sizeof memory);
    struct peer_message message;
    if (peer_decode(data, size, &arena, LIMIT_VALIDATORS, &message, NULL) != STATUS_OK) {
        CHECK(arena.used == 0);
        return 0;
    }
    uint8_t *again = malloc(size);
    CHECK(again != NULL);
    size_t length = 0;
    CHECK(peer_encoded_bound(&message) == size);
    CHECK(peer_encode(&message, again, size, &length) == STATUS_OK);
    CHECK(length == size);
    CHECK(memcmp(again, data, size) == 0);
    free(again);
    return 0;
}
