/* consensus_disk: what a simulated node of consensus_net keeps, copied, pruned and rolled back. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/consensus_wire.h"

static struct net_list list_copy(const struct net_list *list)
{
    struct net_list copy = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        net_list_add(&copy, list->items[i]);
    }
    return copy;
}

struct net_storage net_storage_copy(const struct net_storage *storage)
{
    return (struct net_storage){.votes = list_copy(&storage->votes),
                                .certificates = list_copy(&storage->certificates),
                                .chain = list_copy(&storage->chain),
                                .open = list_copy(&storage->open)};
}

void net_storage_free(struct net_storage *storage)
{
    free(storage->votes.items);
    free(storage->certificates.items);
    free(storage->chain.items);
    free(storage->open.items);
    memset(storage, 0, sizeof *storage);
}

void net_roll_back(struct net *net, uint32_t index, struct net_storage *storage)
{
    struct net_node *node = &net->nodes[index];
    if (node->alive) {
        net_crash(net, index);
    }
    net_storage_free(&node->storage);
    node->storage = *storage;
    memset(storage, 0, sizeof *storage);
    node->view_seen = 0;
    node->final_seen = 0;
    watch_forget(net, node);
    for (uint32_t i = 0; i < node->storage.votes.count; i++) {
        watch_vote(net, node, node->storage.votes.items[i]);
    }
}

/* Votes, and all certificates but nullifications, are dropped at or below the final view. */
void net_storage_prune(struct net_storage *storage, uint64_t view, uint64_t height)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < storage->votes.count; i++) {
        const struct vote *vote = storage->votes.items[i];
        if (vote->view > view) {
            storage->votes.items[kept++] = storage->votes.items[i];
        }
    }
    storage->votes.count = kept;
    kept = 0;
    for (uint32_t i = 0; i < storage->certificates.count; i++) {
        const struct certificate *certificate = storage->certificates.items[i];
        if (certificate->view > view || certificate->kind == VOTE_NULLIFY) {
            storage->certificates.items[kept++] = storage->certificates.items[i];
        }
    }
    storage->certificates.count = kept;
    kept = 0;
    for (uint32_t i = 0; i < storage->open.count; i++) {
        const struct net_block *block = storage->open.items[i];
        if (block->block.height > height) {
            storage->open.items[kept++] = storage->open.items[i];
        }
    }
    storage->open.count = kept;
}
