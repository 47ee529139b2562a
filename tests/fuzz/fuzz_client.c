/*
 * Fuzzes the decoder of the frames between a client and its node. Whatever it accepts must encode
 * to the very bytes that it was decoded from; whatever it refuses must leave the arena alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/client_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t memory[CLIENT_ANSWER_ARENA_BYTES];
    struct arena arena = arena_over(memory, sizeof memory);
    struct client_message message;
    if (client_decode(data, size, &arena, LIMIT_VALIDATORS, &message, NULL) != STATUS_OK) {
        CHECK(arena.used == 0);
        return 0;
    }
    uint8_t *again = malloc(size);
    CHECK(again != NULL);
    size_t length = 0;
    CHECK(client_encoded_bound(&message) == size);
    CHECK(client_encode(&message, again, size, &length) == STATUS_OK);
    CHECK(length == size);
    CHECK(memcmp(again, data, size) == 0);
    free(again);
    return 0;
}
