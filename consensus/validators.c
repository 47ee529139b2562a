/*
 * validators: quorum, hash and leader shuffle of a validator set (docs/consensus.md, Numbers;
 * docs/formats.md, Validator set and leader shuffle). The shuffle only spreads the leaders, so it
 * needs to be the same everywhere, not to be unpredictable.
 */
#include "consensus/validators.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

#define STREAM_WORDS (HASH_BYTES / sizeof(uint64_t))

/* The deterministic words that drive the shuffle: H("hefu.leaders", set hash ‖ epoch ‖ counter). */
struct leader_stream {
    uint8_t seed[HASH_BYTES + 2 * sizeof(uint64_t)];
    uint64_t counter;
    struct hash block;
    uint32_t used;
};

static struct leader_stream leader_stream_of(const struct validator_set *set)
{
    struct leader_stream stream = {.used = STREAM_WORDS};
    memcpy(stream.seed, set->hash.bytes, HASH_BYTES);
    put_le64(stream.seed + HASH_BYTES, set->epoch);
    return stream;
}

static uint64_t leader_stream_next(struct leader_stream *stream)
{
    if (stream->used == STREAM_WORDS) {
        put_le64(stream->seed + HASH_BYTES + sizeof(uint64_t), stream->counter);
        stream->counter++;
        stream->block = hash_of(&PURPOSE_LEADERS, stream->seed, sizeof stream->seed);
        stream->used = 0;
    }
    const uint64_t word = get_le64(stream->block.bytes + stream->used * sizeof(uint64_t));
    stream->used++;
    return word;
}

/* Uniform in [0, bound): words of the incomplete last multiple of bound are thrown away. */
static uint32_t leader_stream_below(struct leader_stream *stream, uint32_t bound)
{
    const uint64_t incomplete = (UINT64_MAX % bound + 1) % bound;
    uint64_t word;
    do {
        word = leader_stream_next(stream);
    } while (word > UINT64_MAX - incomplete);
    return (uint32_t)(word % bound);
}

void validators_seal(struct validator_set *set)
{
    CHECK(set->count >= 1 && set->count <= LIMIT_VALIDATORS);
    set->faulty_max = faulty_max_of(set->count);
    set->quorum = quorum_of(set->count);
    set->hash = validators_hash(set->members, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        set->leaders[i] = i;
    }
    struct leader_stream stream = leader_stream_of(set);
    for (uint32_t i = set->count - 1; i > 0; i--) {
        const uint32_t j = leader_stream_below(&stream, i + 1);
        const uint32_t swapped = set->leaders[i];
        set->leaders[i] = set->leaders[j];
        set->leaders[j] = swapped;
    }
}

enum status validators_check(const struct validator_set *set)
{
    if (set->count < 1 || set->count > LIMIT_VALIDATORS) {
        return STATUS_OVERSIZED;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const uint8_t *key = set->members[i].key.bytes;
        if (bytes_are_zero(key, sizeof set->members[i].key.bytes)) {
            return STATUS_BAD_KEY;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (memcmp(key, set->members[j].key.bytes, sizeof set->members[j].key.bytes) == 0) {
                return STATUS_EXISTS;
            }
        }
    }
    return STATUS_OK;
}

uint32_t validators_leader(const struct validator_set *set, uint64_t view)
{
    CHECK(view > 0);
    CHECK(set->count > 0);
    return set->leaders[(view - 1) % set->count];
}
