/* peers: slots of the nodes that may link as peers (see peers.h). */
#include "node/peers.h"

#include <string.h>

#include "base/check.h"

static bool same_key(const struct transport_key *a, const struct transport_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void peers_init(struct peers *peers)
{
    memset(peers, 0, sizeof *peers);
    peers->own = PEER_NONE;
}

uint32_t peers_find(const struct peers *peers, const struct transport_key *key)
{
    for (uint32_t slot = 0; slot < LIMIT_PEERS; slot++) {
        if (peers->slots[slot].kind != PEER_FREE && same_key(&peers->slots[slot].key, key)) {
            return slot;
        }
    }
    return PEER_NONE;
}

uint32_t peers_of_validator(const struct peers *peers, uint32_t validator)
{
    CHECK(validator < peers->validator_count);
    return peers->of_validator[validator];
}

static bool is_listed(const struct peer_entry *list, uint32_t count,
                      const struct transport_key *key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (same_key(&list[i].key, key)) {
            return true;
        }
    }
    return false;
}

static uint32_t free_slot(const struct peers *peers, uint32_t wanted)
{
    if (wanted < LIMIT_PEERS && peers->slots[wanted].kind == PEER_FREE) {
        return wanted;
    }
    for (uint32_t slot = 0; slot < LIMIT_PEERS; slot++) {
        if (peers->slots[slot].kind == PEER_FREE) {
            return slot;
        }
    }
    return PEER_NONE;
}

/* Puts one entry into its slot; true if that changed anything. */
static bool place(struct peers *peers, const struct peer_entry *entry, uint32_t position,
                  bool *ret_freed)
{
    uint32_t slot = peers_find(peers, &entry->key);
    if (slot == PEER_NONE) {
        slot = free_slot(peers, position);
        if (slot == PEER_NONE) {
            return false; /* more than there can be links: the last of the list go without */
        }
        if (ret_freed != NULL) {
            ret_freed[slot] = true;
        }
    }
    struct peer_entry *old = &peers->slots[slot];
    const bool changed = old->kind != entry->kind || old->validator != entry->validator ||
                         strcmp(old->name, entry->name) != 0;
    *old = *entry;
    if (entry->kind == PEER_VALIDATOR) {
        CHECK(entry->validator < LIMIT_VALIDATORS);
        peers->of_validator[entry->validator] = slot;
    }
    return changed;
}

static bool is_first(const struct peer_entry *list, uint32_t i)
{
    return !is_listed(list, i, &list[i].key);
}

bool peers_update(struct peers *peers, const struct peer_entry *list, uint32_t count,
                  const struct transport_key *own, bool *ret_freed)
{
    bool changed = false;
    for (uint32_t slot = 0; slot < LIMIT_PEERS; slot++) {
        struct peer_entry *entry = &peers->slots[slot];
        const bool gone = entry->kind != PEER_FREE && !is_listed(list, count, &entry->key);
        if (ret_freed != NULL) {
            ret_freed[slot] = gone;
        }
        if (gone) {
            memset(entry, 0, sizeof *entry);
            changed = true;
        }
    }
    peers->validator_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (is_first(list, i)) {
            changed = place(peers, &list[i], i, ret_freed) || changed;
        }
        peers->validator_count += list[i].kind == PEER_VALIDATOR;
    }
    peers->own = peers_find(peers, own);
    return changed;
}

const char *peer_kind_name(enum peer_kind kind)
{
    switch (kind) {
    case PEER_FREE:
        return "nobody";
    case PEER_VALIDATOR:
        return "validator";
    case PEER_FORMER:
        return "former validator";
    case PEER_CANDIDATE:
        return "candidate";
    case PEER_OBSERVER:
        return "observer";
    case PEER_SUCCESSOR:
        return "validator of the newest incarnation";
    }
    return "unknown";
}
