/*
 * replica_net_keys: what keys have signed, for ever, and what a node may lose of it. I6 of
 * docs/consensus.md is checked over all votes that ever left a node, in whatever life of it and
 * whatever became of its store and register since: at most one candidate notarized and one
 * finalized in a view, nothing notarized after nullify, never nullify with finalize.
 */
#include "tests/support/replica_net_state.h"

#define EPOCHS_WATCHED 8
#define PREIMAGE_KIND_AT 10
#define PREIMAGE_EPOCH_AT 16
#define PREIMAGE_VIEW_AT 24
#define PREIMAGE_CHAIN_AT 32
#define PREIMAGE_DIGEST_AT 96

struct signed_view {
    bool cast[3]; /* by kind - 1 */
    struct hash digests[3];
};

struct signed_votes {
    struct signed_view *views[EPOCHS_WATCHED];
    uint64_t capacity[EPOCHS_WATCHED];
};

static struct signed_view *view_of(struct signed_votes *votes, uint64_t epoch, uint64_t view)
{
    CHECK(epoch < EPOCHS_WATCHED && view < 10000000);
    if (view >= votes->capacity[epoch]) {
        const uint64_t capacity = 2 * view + 64;
        struct signed_view *grown =
            realloc(votes->views[epoch], capacity * sizeof *votes->views[epoch]);
        CHECK(grown != NULL);
        memset(&grown[votes->capacity[epoch]], 0,
               (capacity - votes->capacity[epoch]) * sizeof *grown);
        votes->views[epoch] = grown;
        votes->capacity[epoch] = capacity;
    }
    return &votes->views[epoch][view];
}

static void contradiction(const struct net_node *node, uint64_t view, const char *what)
{
    (void)fprintf(stderr, "seed %llu at %llu ms: I6: node %u, view %llu: %s\n",
                  (unsigned long long)node->net->options.seed,
                  (unsigned long long)node->net->now_ms, node->index, (unsigned long long)view,
                  what);
    abort();
}

static void watch(struct net_node *node, const uint8_t preimage[VOTE_PREIMAGE_BYTES])
{
    const unsigned kind = get_le16(preimage + PREIMAGE_KIND_AT);
    const uint64_t view = get_le64(preimage + PREIMAGE_VIEW_AT);
    struct signed_view *cast =
        view_of(node->signed_votes, get_le64(preimage + PREIMAGE_EPOCH_AT), view);
    struct hash digest;
    memcpy(digest.bytes, preimage + PREIMAGE_DIGEST_AT, HASH_BYTES);
    CHECK(kind >= VOTE_NOTARIZE && kind <= VOTE_FINALIZE);
    if (cast->cast[kind - 1] && !hash_equal(&cast->digests[kind - 1], &digest)) {
        contradiction(node, view, "two candidates of one kind");
    }
    if (kind == VOTE_NOTARIZE && cast->cast[VOTE_NULLIFY - 1] && !cast->cast[kind - 1]) {
        contradiction(node, view, "notarize after nullify");
    }
    cast->cast[kind - 1] = true;
    cast->digests[kind - 1] = digest;
    if (cast->cast[VOTE_NULLIFY - 1] && cast->cast[VOTE_FINALIZE - 1]) {
        contradiction(node, view, "nullify and finalize");
    }
}

void net_keys_signed(struct net_node *node, const uint8_t *message, size_t length)
{
    if (length != VOTE_PREIMAGE_BYTES || memcmp(message, "HEFUVOTE", 8) != 0) {
        return; /* a batch */
    }
    /* Under an older chain id nothing is ever signed again. */
    CHECK(memcmp(message + PREIMAGE_CHAIN_AT, node->net->chain_id.bytes, HASH_BYTES) == 0);
    if (node->unsent_count == node->unsent_capacity) {
        node->unsent_capacity = 2 * node->unsent_capacity + 16;
        node->unsent = realloc(node->unsent, node->unsent_capacity * VOTE_PREIMAGE_BYTES);
        CHECK(node->unsent != NULL);
    }
    memcpy(node->unsent + node->unsent_count * VOTE_PREIMAGE_BYTES, message, VOTE_PREIMAGE_BYTES);
    node->unsent_count++;
}

void net_keys_left(struct net_node *node)
{
    if (node->signed_votes == NULL) {
        node->signed_votes = net_array(1, sizeof *node->signed_votes);
    }
    for (size_t i = 0; i < node->unsent_count; i++) {
        watch(node, node->unsent + i * VOTE_PREIMAGE_BYTES);
    }
    node->unsent_count = 0;
}

void net_keys_forget(struct net_node *node)
{
    for (uint32_t i = 0; node->signed_votes != NULL && i < EPOCHS_WATCHED; i++) {
        free(node->signed_votes->views[i]);
    }
    free(node->signed_votes);
    node->signed_votes = NULL;
    node->unsent_count = 0;
}

void net_keys_end(struct net_node *node)
{
    net_keys_forget(node);
    free(node->unsent);
}

uint64_t replica_net_votes(const struct replica_net *net, uint32_t node)
{
    const struct signed_votes *votes = net->nodes[node].signed_votes;
    uint64_t count = 0;
    for (uint32_t epoch = 0; votes != NULL && epoch < EPOCHS_WATCHED; epoch++) {
        for (uint64_t view = 0; view < votes->capacity[epoch]; view++) {
            for (uint32_t kind = 0; kind < 3; kind++) {
                count += votes->views[epoch][view].cast[kind];
            }
        }
    }
    return count;
}

/* ---- Losses ---- */

struct net_backup {
    struct memory_store store;
    struct vote_register vote_register;
};

struct net_backup *replica_net_backup(struct replica_net *net, uint32_t node)
{
    struct net_backup *backup = net_array(1, sizeof *backup);
    memory_store_copy(&net->nodes[node].store, &backup->store);
    backup->vote_register = net->nodes[node].vote_register;
    return backup;
}

void replica_net_backup_free(struct net_backup *backup)
{
    memory_store_end(&backup->store);
    free(backup);
}

void replica_net_restore_store(struct replica_net *net, uint32_t node,
                               const struct net_backup *backup)
{
    struct net_node *to = &net->nodes[node];
    CHECK(!to->running);
    memory_store_end(&to->store);
    memory_store_copy(&backup->store, &to->store);
    to->seen_height = 0;
    to->unsent_count = 0;
}

void replica_net_restore_register(struct replica_net *net, uint32_t node,
                                  const struct net_backup *backup)
{
    CHECK(!net->nodes[node].running);
    net->nodes[node].vote_register = backup->vote_register;
}

void replica_net_lose_register(struct replica_net *net, uint32_t node)
{
    CHECK(!net->nodes[node].running);
    net->nodes[node].vote_register =
        (struct vote_register){.chain_id = net->chain_id, .rejoining = true};
}

void replica_net_mark_rejoining(struct replica_net *net, uint32_t node)
{
    CHECK(!net->nodes[node].running);
    net->nodes[node].vote_register.rejoining = true;
    net->nodes[node].vote_register.behind = false;
}

struct vote_register replica_net_register(const struct replica_net *net, uint32_t node)
{
    return net->nodes[node].vote_register;
}
