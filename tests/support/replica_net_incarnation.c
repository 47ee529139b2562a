/* replica_net_incarnation: a whole network goes on under a new document (docs/consensus.md,
   Incarnations): new consensus keys and registers, over the last final block of some store. */
#include "tests/support/replica_net_state.h"

struct public_key net_own_key(const struct net_node *node)
{
    return net_consensus_key(100 * node->incarnation + node->index);
}

struct final_point net_final_of(const struct replica_net *net, uint32_t node)
{
    struct span row;
    struct final_point final;
    CHECK(memory_store_get(&net->nodes[node].store, STORE_META, "final", 5, &row));
    CHECK(row_final_decode(row, &final) == STATUS_OK);
    return final;
}

static struct block_header header_at(const struct replica_net *net, uint32_t node, uint64_t height)
{
    static struct block_row block;
    uint8_t key[8];
    struct span row;
    put_be64(key, height);
    CHECK(memory_store_get(&net->nodes[node].store, STORE_BLOCKS, key, sizeof key, &row));
    CHECK(row_block_decode(row, &block) == STATUS_OK);
    return block.header;
}

void net_seal_newest(struct replica_net *net)
{
    struct incarnation *newest = &net->lineage.incarnations[net->lineage.count - 1];
    char error[256] = "";
    newest->chain_id = genesis_file_chain_id(newest->genesis);
    net->chain_id = newest->chain_id;
    CHECK(genesis_check(newest->genesis, error, sizeof error) == STATUS_OK);
    CHECK(lineage_check(&net->lineage, error, sizeof error) == STATUS_OK);
    CHECK(genesis_validator_set(newest->genesis, incarnation_first_epoch(newest),
                                &net->validators) == STATUS_OK);
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        net->nodes[i].vote_register = (struct vote_register){
            .chain_id = net->chain_id, .epoch = incarnation_first_epoch(newest)};
    }
}

void net_continue(struct replica_net *net, uint32_t node)
{
    const uint32_t k = net->lineage.count++;
    const struct final_point final = net_final_of(net, node);
    const struct block_header root = header_at(net, node, final.height);
    const bool ends = final.height == 0 || (root.flags & BLOCK_TERMINAL) != 0;
    struct genesis *own = &net->later[k];
    *own = *net->lineage.incarnations[k - 1].genesis;
    own->incarnation = k;
    own->created_ms = WALL_START_MS + net->now_ms;
    if (own->created_ms <= root.timestamp_ms) {
        own->created_ms = root.timestamp_ms + 1;
    }
    own->root_chain_id = net->lineage.incarnations[k - 1].chain_id;
    own->root_height = final.height;
    own->root_hash = final.hash;
    own->root_epoch = root.epoch + (ends ? 1 : 0);
    const struct genesis_validator *before = own->validators;
    own->validators = net_array(own->validator_count, sizeof *own->validators);
    memcpy(own->validators, before, own->validator_count * sizeof *before);
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        struct net_node *each = &net->nodes[i];
        CHECK(!each->running);
        each->incarnation = k;
        net_keys_forget(each);
        if (i < own->validator_count) {
            own->validators[i].key = net_own_key(each);
        }
    }
    if (net->final_count > final.height) {
        net->final_count = final.height; /* what lies beyond is lost */
    }
    net->lineage.incarnations[k].genesis = own;
    net_seal_newest(net);
}

enum status net_try(struct replica_net *net, uint32_t node, char *ret_error, size_t capacity)
{
    struct net_node *tried = &net->nodes[node];
    const struct node_io io = net_node_io(tried);
    struct replica *replica = NULL;
    const struct replica_config config = {
        .lineage = &net->lineage,
        .keys = {{.key = net_own_key(tried), .vote_register = &tried->vote_register}},
        .key_count = 1,
        .transport_key = net_transport_key(node),
        .pool_bytes = 64u << 20};
    CHECK(!tried->running);
    const enum status status = replica_open(&io, &config, WALL_START_MS + net->now_ms, net->now_ms,
                                            &replica, ret_error, capacity);
    replica_free(replica);
    memory_store_rollback(&tried->store);
    for (size_t i = 0; i < tried->outbox_count; i++) {
        net_free_message(&tried->outbox[i]);
    }
    tried->outbox_count = 0;
    tried->unsent_count = 0;
    tried->register_pending = false;
    return status;
}

void net_incarnations_end(struct replica_net *net)
{
    for (uint32_t k = 1; k < net->lineage.count; k++) {
        free(net->later[k].validators);
    }
}
