/* replica_net_io: node_io on a simulated disk, network and clock (see replica_net.h). */
#include "base/shorthash.h"
#include "tests/support/replica_net_state.h"

static bool io_get(void *context, enum store_table table, const void *key, size_t key_length,
                   struct span *ret_value)
{
    struct net_node *node = context;
    return memory_store_get(&node->store, table, key, key_length, ret_value);
}

static void io_put(void *context, enum store_table table, const void *key, size_t key_length,
                   const void *value, size_t value_length)
{
    struct net_node *node = context;
    memory_store_put(&node->store, table, key, key_length, value, value_length);
}

static void io_del(void *context, enum store_table table, const void *key, size_t key_length)
{
    struct net_node *node = context;
    memory_store_del(&node->store, table, key, key_length);
}

static bool io_seek(void *context, enum store_table table, const void *from, size_t from_length,
                    struct span *ret_key, struct span *ret_value)
{
    struct net_node *node = context;
    return memory_store_seek(&node->store, table, from, from_length, ret_key, ret_value);
}

static void io_register_write(void *context, const struct public_key *owner,
                              const struct vote_register *vote_register)
{
    struct net_node *node = context;
    const struct public_key next = net_next_key(node->index);
    if (memcmp(owner->bytes, next.bytes, sizeof next.bytes) == 0) {
        node->next_key_register_next = *vote_register;
        node->next_key_pending = true;
        return;
    }
    node->register_next = *vote_register;
    node->register_pending = true;
}

static void io_mark_trying(void *context, const struct hash *batch_ids, uint32_t count)
{
    (void)context;
    (void)batch_ids;
    (void)count;
}

static struct message *outgoing(struct net_node *node)
{
    if (node->outbox_count == node->outbox_capacity) {
        node->outbox_capacity = node->outbox_capacity == 0 ? 64 : 2 * node->outbox_capacity;
        node->outbox = realloc(node->outbox, node->outbox_capacity * sizeof *node->outbox);
        CHECK(node->outbox != NULL);
    }
    struct message *message = &node->outbox[node->outbox_count++];
    memset(message, 0, sizeof *message);
    message->from = node->index;
    return message;
}

static uint8_t *copy_of(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length);
    CHECK(copy != NULL);
    memcpy(copy, bytes, length);
    return copy;
}

static void io_send(void *context, uint32_t peer, enum link_class class, const uint8_t *frame,
                    size_t length)
{
    (void)class;
    struct message *message = outgoing(context);
    message->kind = TO_PEER;
    message->to = net_node_of(context, peer);
    ((struct net_node *)context)->net->sent_bytes += length;
    message->bytes = copy_of(frame, length);
    message->length = length;
}

static void io_broadcast(void *context, enum link_class class, const uint8_t *frame, size_t length)
{
    const struct net_node *node = context;
    const struct peers *peers = &node->peers;
    for (uint32_t peer = 0; peer < LIMIT_PEERS; peer++) {
        if (peers->slots[peer].kind == PEER_VALIDATOR && peer != peers->own) {
            io_send(context, peer, class, frame, length);
        }
    }
}

static void io_reply(void *context, uint64_t session, const uint8_t *frame, size_t length)
{
    struct message *message = outgoing(context);
    message->kind = TO_CLIENT;
    message->session = session;
    message->bytes = copy_of(frame, length);
    message->length = length;
}

static void io_peers(void *context, const struct peers *peers)
{
    struct net_node *node = context;
    node->peers = *peers;
    node->net->peers_changed = true;
}

struct signature net_stand_in(const struct public_key *key, const uint8_t *message, size_t length)
{
    struct signature signature;
    uint64_t part = shorthash(key->bytes, message, length);
    for (size_t i = 0; i < sizeof signature.bytes; i += sizeof part) {
        part = part * 6364136223846793005ull + 1442695040888963407ull;
        put_le64(signature.bytes + i, part);
    }
    return signature;
}

static void io_sign(void *context, const struct public_key *signer, const uint8_t *message,
                    size_t length, struct signature *ret_signature)
{
    net_keys_signed(context, message, length);
    *ret_signature = net_stand_in(signer, message, length);
}

static bool io_verify(void *context, const struct public_key *key, const uint8_t *message,
                      size_t length, const struct signature *signature)
{
    (void)context;
    struct signature expected = net_stand_in(key, message, length);
    return memcmp(expected.bytes, signature->bytes, sizeof expected.bytes) == 0;
}

static void io_verify_batch(void *context, uint64_t token, uint8_t *bytes, size_t length,
                            const struct public_key *key)
{
    struct net_node *node = context;
    struct batch batch;
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    struct message message = {.kind = VERIFIED,
                              .from = node->index,
                              .to = node->index,
                              .to_life = node->life,
                              .due_ms = node->net->now_ms + 1};
    message.result =
        (struct verify_result){.token = token, .bytes = bytes, .length = length, .key = *key};
    struct batch_header header;
    CHECK(length >= sizeof header);
    memcpy(&header, bytes, sizeof header);
    CHECK(lineage_has(&node->net->lineage, &header.chain_id));
    CHECK(batch_parse(bytes, length, &header.chain_id, &batch, NULL) == STATUS_OK);
    batch_signed_bytes(&batch.header, signed_bytes);
    message.result.status = STATUS_BAD_SIGNATURE;
    if (io_verify(node, key, signed_bytes, sizeof signed_bytes, &batch.signature)) {
        struct hash *hashes = malloc(sizeof *hashes * batch.header.count);
        CHECK(hashes != NULL);
        message.result.record_hashes = hashes;
        message.result.status =
            verify_batch_root(&batch.header, batch.body, batch.body_length, hashes);
    }
    net_push(node->net, &message);
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
    const struct net_node *node = context;
    if (getenv("HEFU_NET_LOG") != NULL) {
        (void)fprintf(stderr, "%8llu node=%u %s %s %s\n", (unsigned long long)node->net->now_ms,
                      node->index, level, event, fields);
    }
}

struct node_io net_node_io(struct net_node *node)
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
