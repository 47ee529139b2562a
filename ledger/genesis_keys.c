/*
 * genesis_keys: one public key stands for one person. A key that stood in two places would count
 * twice where distinct keys must stand behind an action, so it is refused wherever rows of
 * participants are taken (docs/ledger.md, Actions): in genesis, and after every action that changes
 * them. Likewise a channel key names one participant.
 *
 * Places are sorted by their keys, so that equal keys are neighbours: O(P log P) whatever the keys,
 * which people choose, are. The order is a merge sort's, in the caller's memory.
 */
#include <string.h>

#include "ledger/genesis_check.h"

#define TRANSPORT UINT32_MAX

/* Where a key stands. The first bytes decide nearly every comparison without a look at the row. */
struct key_place {
    uint64_t first_bytes;
    uint32_t participant; /* index */
    uint32_t key;         /* index of a signing key, or TRANSPORT */
};

_Static_assert(GENESIS_KEY_PLACE_BYTES == 2 * sizeof(struct key_place), "the sort needs two lists");

static const uint8_t *bytes_at(const struct genesis *genesis, const struct key_place *place)
{
    const struct genesis_participant *participant = &genesis->participants[place->participant];
    return place->key == TRANSPORT ? participant->transport_key.bytes
                                   : participant->keys[place->key].key.bytes;
}

static int compare_bytes(const struct genesis *genesis, const struct key_place *a,
                         const struct key_place *b)
{
    if (a->first_bytes != b->first_bytes) {
        return a->first_bytes < b->first_bytes ? -1 : 1;
    }
    return memcmp(bytes_at(genesis, a), bytes_at(genesis, b), sizeof(struct public_key));
}

/* Runs of a length that doubles are merged from one list into the other; the first one of equals
   stays first. Returns the list that the last pass wrote. */
static struct key_place *sort(const struct genesis *genesis, struct key_place *from,
                              struct key_place *to, uint32_t count)
{
    for (uint64_t run = 1; run < count; run *= 2) {
        for (uint64_t start = 0; start < count; start += 2 * run) {
            uint64_t middle = start + run < count ? start + run : count;
            uint64_t end = middle + run < count ? middle + run : count;
            uint64_t a = start;
            uint64_t b = middle;
            for (uint64_t at = start; at < end; at++) {
                bool take_a =
                    b == end || (a < middle && compare_bytes(genesis, &from[a], &from[b]) <= 0);
                to[at] = take_a ? from[a++] : from[b++];
            }
        }
        struct key_place *written = to;
        to = from;
        from = written;
    }
    return from;
}

static bool check_transport_keys(const struct genesis *genesis, struct key_place *places,
                                 const struct complaint *complaint)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        const uint8_t *bytes = genesis->participants[i].transport_key.bytes;
        if (!bytes_are_zero(bytes, sizeof(struct transport_key))) {
            places[count++] = (struct key_place){get_be64(bytes), i, TRANSPORT};
        }
    }
    const struct key_place *sorted = sort(genesis, places, places + count, count);
    for (uint32_t i = 1; i < count; i++) {
        if (compare_bytes(genesis, &sorted[i - 1], &sorted[i]) == 0) {
            return COMPLAIN(complaint, "participant %: its transport key is participant %'s",
                            genesis->participants[sorted[i].participant].number,
                            genesis->participants[sorted[i - 1].participant].number);
        }
    }
    return true;
}

static bool check_signing_keys(const struct genesis *genesis, struct key_place *places,
                               const struct complaint *complaint)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        const struct genesis_participant *participant = &genesis->participants[i];
        for (uint32_t k = 0; k < participant->key_count; k++) {
            places[count++] = (struct key_place){get_be64(participant->keys[k].key.bytes), i, k};
        }
    }
    const struct key_place *sorted = sort(genesis, places, places + count, count);
    for (uint32_t i = 1; i < count; i++) {
        if (compare_bytes(genesis, &sorted[i - 1], &sorted[i]) == 0) {
            return COMPLAIN(complaint,
                            "participant %, keys[%]: the key of participant %, keys[%] again; one "
                            "key stands for one person",
                            genesis->participants[sorted[i].participant].number, sorted[i].key,
                            genesis->participants[sorted[i - 1].participant].number,
                            sorted[i - 1].key);
        }
    }
    return true;
}

size_t genesis_keys_scratch(const struct genesis *genesis)
{
    size_t places = genesis->participant_count;
    size_t signing = 0;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        signing += genesis->participants[i].key_count;
    }
    return (signing > places ? signing : places) * GENESIS_KEY_PLACE_BYTES;
}

enum status genesis_check_keys(const struct genesis *genesis, void *scratch, char *ret_error,
                               size_t capacity)
{
    const struct complaint complaint = {.text = ret_error, .capacity = capacity};
    bool fits = check_transport_keys(genesis, scratch, &complaint) &&
                check_signing_keys(genesis, scratch, &complaint);
    return fits ? STATUS_OK : STATUS_MALFORMED;
}
