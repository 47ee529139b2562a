/*
 * sim_io: node_io on a simulated disk, network and clock. Every put, register write, mark and send
 * is an effect that a crash may follow (sim_pass.c). Signatures are a fast stand-in, SipHash under
 * the public key: honest code cannot tell it from a signature, and no actor computes it for a key
 * that is not its own. Hashes are real.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_state.h"
#include "tests/support/replica_net_state.h"

static bool io_get(void *context, enum store_table table, const void *key, size_t key_length,
                   struct span *ret_value)
{
    struct sim_node *node = context;
    return memory_store_get(&node->store, table, key, key_length, ret_value);
}

static void io_put(void *context, enum store_table table, const void *key, size_t key_length,
                   const void *value, size_t value_length)
{
    struct sim_node *node = context;
    (void)sim_effect(node);
    memory_store_put(&node->store, table, key, key_length, value, value_length);
    if (!node->faulty) {
        watch_put(node, table, key, value, value_length);
    }
}

static void io_del(void *context, enum store_table table, const void *key, size_t key_length)
{
    struct sim_node *node = context;
    (void)sim_effect(node);
    if (!node->faulty) {
        watch_del(node, table, key);
    }
    memory_store_del(&node->store, table, key, key_length);
}

static bool io_seek(void *context, enum store_table table, const void *from, size_t from_length,
                    struct span *ret_key, struct span *ret_value)
{
    struct sim_node *node = context;
    return memory_store_seek(&node->store, table, from, from_length, ret_key, ret_value);
}

static void io_register_write(void *context, const struct public_key *owner,
                              const struct vote_register *vote_register)
{
    (void)owner;
    struct sim_node *node = context;
    (void)sim_effect(node);
    node->register_next = *vote_register;
    node->register_pending = true;
}

/* Outside the transaction: it outlives a crash of the process that comes before it is cleared. */
static void io_mark_trying(void *context, const struct hash *batch_ids, uint32_t count)
{
    struct sim_node *node = context;
    if (!node->blown && count > 0 && sim_effect(node)) {
        memcpy(node->died_on, batch_ids, count * sizeof *batch_ids);
        node->died_count = count;
        node->sim->result->counts.trying++;
    }
}

static void out(struct sim_node *node, uint32_t to, struct sim_frame *frame)
{
    if (node->out_count == node->out_capacity) {
        node->out_capacity = node->out_capacity == 0 ? 64 : 2 * node->out_capacity;
        node->outbox = realloc(node->outbox, node->out_capacity * sizeof *node->outbox);
        CHECK(node->outbox != NULL);
    }
    node->outbox[node->out_count++] = (struct sim_out){.to = to, .frame = frame};
}

static void io_send(void *context, uint32_t peer, enum link_class class, const uint8_t *frame,
                    size_t length)
{
    struct sim_node *node = context;
    (void)class;
    if (node->id_of_slot[peer] < SIM_KEYS_MAX) {
        out(node, node->id_of_slot[peer], sim_frame_new(frame, length));
    }
}

static void io_broadcast(void *context, enum link_class class, const uint8_t *frame, size_t length)
{
    struct sim_node *node = context;
    (void)class;
    struct sim_frame *shared = sim_frame_new(frame, length);
    const struct validator_set *set = sim_set_of(node);
    for (uint32_t i = 0; i < set->count; i++) {
        const uint32_t id = get_le32(set->members[i].key.bytes + 1);
        if (id != node->id) {
            out(node, id, sim_frame_share(shared));
        }
    }
    sim_frame_drop(shared);
}

static void io_reply(void *context, uint64_t session, const uint8_t *frame, size_t length)
{
    struct sim_node *node = context;
    (void)session;
    if (node->reply_count == node->reply_capacity) {
        node->reply_capacity = node->reply_capacity == 0 ? 16 : 2 * node->reply_capacity;
        node->replies = realloc(node->replies, node->reply_capacity * sizeof(struct sim_frame *));
        CHECK(node->replies != NULL);
    }
    node->replies[node->reply_count++] = sim_frame_new(frame, length);
}

void sim_sign_vote(struct sim_node *node, struct vote *vote)
{
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    const struct watch_epoch *epoch = sim_epoch(node->sim, vote->epoch);
    const struct validator_set *set = epoch == NULL ? sim_set_of(node) : &epoch->set;
    const struct public_key key = net_consensus_key(node->id);
    vote->signer = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        vote->signer = memcmp(&set->members[i].key, &key, sizeof key) == 0 ? i : vote->signer;
    }
    vote_preimage(vote, &node->sim->chain_id, &set->hash, preimage);
    vote->signature = net_stand_in(&key, preimage, sizeof preimage);
}

static void io_peers(void *context, const struct peers *peers)
{
    sim_take_peers(context, peers);
}

static void io_sign(void *context, const struct public_key *signer, const uint8_t *message,
                    size_t length, struct signature *ret_signature)
{
    struct sim_node *node = context;
    *ret_signature = net_stand_in(signer, message, length);
    if (!node->faulty && length == VOTE_PREIMAGE_BYTES) {
        watch_signed(node, message);
    }
}

static bool io_verify(void *context, const struct public_key *key, const uint8_t *message,
                      size_t length, const struct signature *signature)
{
    (void)context;
    const struct signature expected = net_stand_in(key, message, length);
    return memcmp(expected.bytes, signature->bytes, sizeof expected.bytes) == 0;
}

static void io_verify_batch(void *context, uint64_t token, uint8_t *bytes, size_t length,
                            const struct public_key *key)
{
    struct sim_node *node = context;
    struct batch batch;
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    struct verify_result *result = sim_array(1, sizeof *result);
    *result = (struct verify_result){.token = token,
                                     .bytes = bytes,
                                     .length = length,
                                     .key = *key,
                                     .status = STATUS_BAD_SIGNATURE};
    CHECK(batch_parse(bytes, length, &node->sim->chain_id, &batch, NULL) == STATUS_OK);
    batch_signed_bytes(&batch.header, signed_bytes);
    if (io_verify(node, key, signed_bytes, sizeof signed_bytes, &batch.signature)) {
        result->record_hashes = sim_array(batch.header.count, sizeof *result->record_hashes);
        result->status =
            verify_batch_root(&batch.header, batch.body, batch.body_length, result->record_hashes);
    }
    struct sim_event event = {.kind = SIM_VERIFIED,
                              .to = (uint8_t)node->slot,
                              .life = node->life,
                              .due_ms = node->sim->now_ms + prng_below(&node->sim->prng, 3),
                              .result = result};
    sim_push(node->sim, &event);
}

static uint32_t io_counters(void *context, uint32_t max, struct client_counter *ret_counters)
{
    (void)context;
    (void)max;
    (void)ret_counters;
    return 0;
}

static void io_log(void *context, const char *level, const char *event, const char *fields)
{
    struct sim_node *node = context;
    sim_tell(node->sim, "    node %u: %s %s %s", node->slot, level, event, fields);
}

struct node_io sim_io(struct sim_node *node)
{
    return (struct node_io){.context = node,
                            .get = io_get,
                            .put = io_put,
                            .append = io_put,
                            .del = io_del,
                            .seek = io_seek,
                            .register_write = io_register_write,
                            .mark_trying = io_mark_trying,
                            .send = io_send,
                            .broadcast = io_broadcast,
                            .reply = io_reply,
                            .peers = io_peers,
                            .sign = io_sign,
                            .verify = io_verify,
                            .verify_batch = io_verify_batch,
                            .counters = io_counters,
                            .log = io_log};
}
