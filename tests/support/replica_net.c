/* replica_net: whole replicas on virtual time (see replica_net.h). */
#include "tests/support/replica_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/store.h"
#include "node/genesis_file.h"
#include "node/rows.h"
#include "proto/client_codec.h"
#include "tests/support/memory_table.h"

#define HEIGHTS_MAX 100000
#define WALL_START_MS 1790000000000ull
#define PARTICIPANTS 7
#define CURRENCY_CNY 156
#define SESSION_FIRST 1000

enum message_kind { TO_PEER, TO_CLIENT, TO_NODE, VERIFIED };

struct message {
    uint64_t due_ms;
    uint64_t order;
    enum message_kind kind;
    uint32_t from, to;
    uint32_t to_life; /* dropped if the node has restarted since */
    uint64_t session;
    uint8_t *bytes;
    size_t length;
    struct verify_result result;
};

struct net_node {
    struct replica_net *net;
    uint32_t index;
    bool running;
    uint32_t life;
    struct memory_store store;
    struct vote_register vote_register; /* as durable */
    struct vote_register register_next;
    bool register_pending;
    struct message *outbox;
    size_t outbox_count, outbox_capacity;
    struct replica *replica;
    uint64_t seen_height;
};

struct replica_net {
    struct net_options options;
    struct prng prng;
    uint64_t now_ms;
    uint64_t order;
    uint64_t ticked_ms, ticks_now;
    struct genesis genesis;
    struct validator_set validators;
    struct hash chain_id;
    struct net_node nodes[NET_NODES_MAX];
    bool cut[NET_NODES_MAX][NET_NODES_MAX];
    struct message *queue; /* a heap by (due, order) */
    size_t queue_count, queue_capacity;
    uint32_t answers[16];
    struct hash *final_hashes;
    uint64_t final_count;
};

/* --- Messages in a heap ------------------------------------------------------------------------ */

static bool before(const struct message *a, const struct message *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void heap_push(struct replica_net *net, const struct message *message)
{
    if (net->queue_count == net->queue_capacity) {
        net->queue_capacity = net->queue_capacity == 0 ? 256 : 2 * net->queue_capacity;
        net->queue = realloc(net->queue, net->queue_capacity * sizeof *net->queue);
        CHECK(net->queue != NULL);
    }
    size_t i = net->queue_count++;
    net->queue[i] = *message;
    net->queue[i].order = net->order++;
    while (i > 0 && before(&net->queue[i], &net->queue[(i - 1) / 2])) {
        struct message swap = net->queue[i];
        net->queue[i] = net->queue[(i - 1) / 2];
        net->queue[(i - 1) / 2] = swap;
        i = (i - 1) / 2;
    }
}

static struct message heap_pop(struct replica_net *net)
{
    CHECK(net->queue_count > 0);
    struct message top = net->queue[0];
    net->queue[0] = net->queue[--net->queue_count];
    size_t i = 0;
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < net->queue_count; child++) {
            if (before(&net->queue[child], &net->queue[least])) {
                least = child;
            }
        }
        if (least == i) {
            return top;
        }
        struct message swap = net->queue[i];
        net->queue[i] = net->queue[least];
        net->queue[least] = swap;
        i = least;
    }
}

static void free_message(struct message *message)
{
    free(message->bytes);
    free(message->result.bytes);
    free(message->result.record_hashes);
}

/* --- node_io ----------------------------------------------------------------------------------- */

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

static void io_register_write(void *context, const struct vote_register *vote_register)
{
    struct net_node *node = context;
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
    message->to = peer;
    message->bytes = copy_of(frame, length);
    message->length = length;
}

static void io_broadcast(void *context, enum link_class class, const uint8_t *frame,
                         size_t length)
{
    const struct net_node *node = context;
    for (uint32_t peer = 0; peer < node->net->options.nodes; peer++) {
        if (peer != node->index) {
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

static struct signature stand_in(const struct public_key *key, const uint8_t *message,
                                 size_t length)
{
    struct hasher hasher;
    hasher_init(&hasher, &PURPOSE_CHECKSUM);
    hasher_add(&hasher, key->bytes, sizeof key->bytes);
    hasher_add(&hasher, message, length);
    struct hash half = hasher_end(&hasher);
    struct signature signature;
    memcpy(signature.bytes, half.bytes, HASH_BYTES);
    memcpy(signature.bytes + HASH_BYTES, half.bytes, HASH_BYTES);
    return signature;
}

static void io_sign(void *context, const uint8_t preimage[VOTE_PREIMAGE_BYTES],
                    struct signature *ret_signature)
{
    const struct net_node *node = context;
    *ret_signature =
        stand_in(&node->net->validators.members[node->index].key, preimage, VOTE_PREIMAGE_BYTES);
}

static bool io_verify(void *context, const struct public_key *key, const uint8_t *message,
                      size_t length, const struct signature *signature)
{
    (void)context;
    struct signature expected = stand_in(key, message, length);
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
    message.result = (struct verify_result){
        .token = token, .bytes = bytes, .length = length, .key = *key};
    CHECK(batch_parse(bytes, length, &node->net->chain_id, &batch, NULL) == STATUS_OK);
    batch_signed_bytes(&batch.header, signed_bytes);
    message.result.status = STATUS_BAD_SIGNATURE;
    if (io_verify(node, key, signed_bytes, sizeof signed_bytes, &batch.signature)) {
        struct hash *hashes = malloc(sizeof *hashes * batch.header.count);
        CHECK(hashes != NULL);
        struct hash root = batch_records_root((const struct record *)(const void *)batch.body,
                                              batch.header.count, hashes);
        message.result.record_hashes = hashes;
        message.result.status =
            hash_equal(&root, &batch.header.records_root) ? STATUS_OK : STATUS_BAD_HASH;
    }
    heap_push(node->net, &message);
}

static void io_log(void *context, const char *level, const char *event, const char *fields)
{
    const struct net_node *node = context;
    if (getenv("HEFU_NET_LOG") != NULL) {
        (void)fprintf(stderr, "%8llu node=%u %s %s %s\n", (unsigned long long)node->net->now_ms,
                      node->index, level, event, fields);
    }
}

static struct node_io node_io_of(struct net_node *node)
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
                            .sign = io_sign,
                            .verify = io_verify,
                            .verify_batch = io_verify_batch,
                            .log = io_log};
}

/* --- Genesis ----------------------------------------------------------------------------------- */

static struct public_key test_key(uint8_t kind, uint32_t number)
{
    struct public_key key = {{0}};
    key.bytes[0] = kind;
    put_le32(key.bytes + 1, number);
    return key;
}

static void *array_of(size_t count, size_t size)
{
    void *array = calloc(count, size);
    CHECK(array != NULL);
    return array;
}

static void fill_participants(struct genesis *genesis)
{
    genesis->participant_count = PARTICIPANTS;
    genesis->participants = array_of(PARTICIPANTS, sizeof *genesis->participants);
    genesis->limit_count = PARTICIPANTS;
    genesis->limits = array_of(PARTICIPANTS, sizeof *genesis->limits);
    for (uint32_t i = 0; i < PARTICIPANTS; i++) {
        struct genesis_participant *participant = &genesis->participants[i];
        participant->number = i + 1;
        participant->roles = i == 0 ? ROLE_AGENT | ROLE_OPERATOR : i == 1 ? ROLE_NETWORK : ROLE_BANK;
        (void)snprintf(participant->name, sizeof participant->name, "participant %u", i + 1);
        participant->key_count = 1;
        participant->keys[0] = (struct participant_key){
            .key_no = 1, .permissions = PERMISSION_SUBMIT | PERMISSION_ACT, .key = test_key(1, i)};
        memcpy(participant->transport_key.bytes, test_key(2, i).bytes, 32);
        genesis->limits[i] = (struct genesis_limit){
            .participant = i + 1, .currency = CURRENCY_CNY, .cap = LIMIT_AMOUNT - 1};
    }
}

static void fill_genesis(struct genesis *genesis, uint32_t nodes)
{
    memset(genesis, 0, sizeof *genesis);
    (void)snprintf(genesis->network, sizeof genesis->network, "test");
    genesis->created_ms = WALL_START_MS;
    genesis->utc_offset_minutes = 480;
    genesis->delta_ms = 400;
    genesis->empty_interval_ms = 30000;
    genesis->block_records = LIMIT_BLOCK_RECORDS;
    fill_participants(genesis);
    genesis->currency_count = 1;
    genesis->currencies = array_of(1, sizeof *genesis->currencies);
    genesis->currencies[0] =
        (struct genesis_currency){.numeric = CURRENCY_CNY, .exponent = 2, .code = "CNY"};
    genesis->service_count = 1;
    genesis->services = array_of(1, sizeof *genesis->services);
    genesis->services[0] = (struct genesis_service){.number = 1,
                                                    .currency = CURRENCY_CNY,
                                                    .mode = SERVICE_DEFERRED,
                                                    .settlement = SETTLEMENT_PREFUNDED,
                                                    .name = "cards",
                                                    .funding_window_s = 3600};
    genesis->scheme_count = 1;
    genesis->schemes = array_of(1, sizeof *genesis->schemes);
    genesis->schemes[0] =
        (struct genesis_scheme){.number = 1,
                                .service = 1,
                                .submitters = SIDE_PAYER | SIDE_PAYEE | SIDE_NETWORK,
                                .confirmations = 1,
                                .network = 2,
                                .name = "purchase"};
    genesis->validator_count = nodes;
    genesis->validators = array_of(nodes, sizeof *genesis->validators);
    for (uint32_t i = 0; i < nodes; i++) {
        struct genesis_validator *validator = &genesis->validators[i];
        validator->participant = i % PARTICIPANTS + 1;
        validator->key = test_key(3, i);
        memcpy(validator->transport_key.bytes, test_key(4, i).bytes, 32);
        (void)snprintf(validator->name, sizeof validator->name, "node-%u", i);
    }
}

/* --- The network ------------------------------------------------------------------------------- */

/* One hash a height, over all nodes and all time. */
static void check_agreement(struct net_node *node)
{
    struct replica_net *net = node->net;
    uint64_t height = replica_net_height(net, node->index);
    CHECK(height < HEIGHTS_MAX);
    while (node->seen_height < height) {
        node->seen_height++;
        struct hash hash = replica_net_hash_at(net, node->index, node->seen_height);
        if (node->seen_height > net->final_count) {
            CHECK(node->seen_height == net->final_count + 1);
            net->final_hashes[node->seen_height] = hash;
            net->final_count = node->seen_height;
        }
        CHECK(hash_equal(&hash, &net->final_hashes[node->seen_height]));
    }
}

/* The end of a pass: durable first, then the frames leave. */
static void end_pass(struct net_node *node)
{
    struct replica_net *net = node->net;
    replica_pass_end(node->replica);
    memory_store_commit(&node->store);
    if (node->register_pending) {
        node->vote_register = node->register_next;
        node->register_pending = false;
    }
    check_agreement(node);
    for (size_t i = 0; i < node->outbox_count; i++) {
        struct message *message = &node->outbox[i];
        bool lost = message->kind == TO_PEER &&
                    (net->cut[node->index][message->to] || !net->nodes[message->to].running ||
                     prng_below(&net->prng, 1000) < net->options.loss_permille);
        if (lost) {
            free_message(message);
            continue;
        }
        message->due_ms = net->now_ms + 1 + prng_below(&net->prng, net->options.delay_ms_max + 1);
        message->to_life = net->nodes[message->to].life;
        heap_push(net, message);
    }
    node->outbox_count = 0;
}

static void set_time(struct net_node *node)
{
    replica_time(node->replica, WALL_START_MS + node->net->now_ms, node->net->now_ms);
}

static void start(struct net_node *node)
{
    struct replica_net *net = node->net;
    struct node_io io = node_io_of(node);
    char error[256];
    struct replica_config config = {.genesis = &net->genesis,
                                    .chain_id = net->chain_id,
                                    .validators = &net->validators,
                                    .own_index = node->index,
                                    .pool_bytes = 64u << 20,
                                    .vote_register = &node->vote_register};
    enum status status = replica_open(&io, &config, WALL_START_MS + net->now_ms, net->now_ms,
                                      &node->replica, error, sizeof error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "node %u does not start: %s\n", node->index, error);
        abort();
    }
    node->running = true;
    replica_client_up(node->replica, SESSION_FIRST, CLIENT_PARTICIPANT, 1);
    end_pass(node);
}

static void link_up(struct replica_net *net, uint32_t a, uint32_t b)
{
    if (a != b && net->nodes[a].running && net->nodes[b].running && !net->cut[a][b]) {
        set_time(&net->nodes[a]);
        replica_peer_up(net->nodes[a].replica, b);
        end_pass(&net->nodes[a]);
    }
}

static void link_down(struct replica_net *net, uint32_t a, uint32_t b)
{
    if (a != b && net->nodes[a].running) {
        set_time(&net->nodes[a]);
        replica_peer_down(net->nodes[a].replica, b);
        end_pass(&net->nodes[a]);
    }
}

struct replica_net *replica_net_new(const struct net_options *options)
{
    CHECK(options->nodes > 0 && options->nodes <= NET_NODES_MAX);
    struct replica_net *net = array_of(1, sizeof *net);
    net->options = *options;
    net->prng = prng_seeded(options->seed);
    net->final_hashes = array_of(HEIGHTS_MAX, sizeof *net->final_hashes);
    fill_genesis(&net->genesis, options->nodes);
    CHECK(genesis_validator_set(&net->genesis, 1, &net->validators) == STATUS_OK);
    net->chain_id = genesis_file_chain_id(&net->genesis);
    for (uint32_t i = 0; i < options->nodes; i++) {
        struct net_node *node = &net->nodes[i];
        node->net = net;
        node->index = i;
        node->vote_register.chain_id = net->chain_id;
        node->vote_register.epoch = 1;
        memory_store_init(&node->store, STORE_TABLE_COUNT);
        start(node);
    }
    for (uint32_t a = 0; a < options->nodes; a++) {
        for (uint32_t b = 0; b < options->nodes; b++) {
            link_up(net, a, b);
        }
    }
    return net;
}

static void stop(struct net_node *node)
{
    replica_free(node->replica);
    node->replica = NULL;
    node->running = false;
    node->life++;
    for (size_t i = 0; i < node->outbox_count; i++) {
        free_message(&node->outbox[i]);
    }
    node->outbox_count = 0;
    node->register_pending = false;
}

void replica_net_free(struct replica_net *net)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        if (net->nodes[i].running) {
            stop(&net->nodes[i]);
        }
        memory_store_end(&net->nodes[i].store);
        free(net->nodes[i].outbox);
    }
    while (net->queue_count > 0) {
        struct message message = heap_pop(net);
        free_message(&message);
    }
    free(net->queue);
    free(net->final_hashes);
    genesis_free(&net->genesis);
    free(net);
}

void replica_net_crash(struct replica_net *net, uint32_t node)
{
    memory_store_rollback(&net->nodes[node].store);
    stop(&net->nodes[node]);
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        link_down(net, i, node);
    }
}

void replica_net_restart(struct replica_net *net, uint32_t node)
{
    start(&net->nodes[node]);
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        link_up(net, i, node);
        link_up(net, node, i);
    }
}

void replica_net_cut(struct replica_net *net, uint32_t a, uint32_t b, bool cut)
{
    bool was = net->cut[a][b];
    net->cut[a][b] = cut;
    net->cut[b][a] = cut;
    if (was && !cut) {
        link_up(net, a, b);
        link_up(net, b, a);
    } else if (!was && cut) {
        link_down(net, a, b);
        link_down(net, b, a);
    }
}

void replica_net_set_loss(struct replica_net *net, uint32_t permille)
{
    net->options.loss_permille = permille;
}

static void answer_client(struct replica_net *net, const struct message *message)
{
    static _Alignas(16) uint8_t memory[CLIENT_ANSWER_ARENA_BYTES];
    struct arena arena = arena_over(memory, sizeof memory);
    struct client_message answer;
    CHECK(client_decode(message->bytes, message->length, &arena, LIMIT_VALIDATORS, &answer,
                        NULL) == STATUS_OK);
    net->answers[answer.kind]++;
}

static void deliver(struct replica_net *net, struct message *message)
{
    struct net_node *node = &net->nodes[message->to];
    if (message->kind == TO_CLIENT) {
        answer_client(net, message);
    } else if (node->running && node->life == message->to_life) {
        set_time(node);
        if (message->kind == TO_PEER) {
            CHECK(replica_peer_frame(node->replica, message->from, message->bytes,
                                     message->length) == STATUS_OK);
        } else if (message->kind == TO_NODE) {
            CHECK(replica_client_frame(node->replica, message->session, message->bytes,
                                       message->length) == STATUS_OK);
        } else {
            replica_batch_verified(node->replica, &message->result);
            message->result.bytes = NULL;
            message->result.record_hashes = NULL;
        }
        end_pass(node);
    }
    free_message(message);
}

/* The node whose timer is due first, and when. */
static uint64_t next_timer(const struct replica_net *net, uint32_t *ret_node)
{
    uint64_t earliest = UINT64_MAX;
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        if (net->nodes[i].running) {
            uint64_t deadline = replica_next_deadline(net->nodes[i].replica);
            if (deadline < earliest) {
                earliest = deadline;
                *ret_node = i;
            }
        }
    }
    return earliest;
}

/* One event; false if none is due by end_ms. */
static bool turn(struct replica_net *net, uint64_t end_ms)
{
    uint32_t timed = 0;
    uint64_t timer_ms = next_timer(net, &timed);
    uint64_t message_ms = net->queue_count == 0 ? UINT64_MAX : net->queue[0].due_ms;
    uint64_t due = timer_ms < message_ms ? timer_ms : message_ms;
    if (due > end_ms) {
        net->now_ms = end_ms;
        return false;
    }
    if (due > net->now_ms) {
        net->now_ms = due;
    }
    if (message_ms <= timer_ms) {
        struct message message = heap_pop(net);
        deliver(net, &message);
    } else {
        set_time(&net->nodes[timed]);
        replica_tick(net->nodes[timed].replica);
        end_pass(&net->nodes[timed]);
        /* A timer may be due again at once, but not for ever: virtual time must move. */
        net->ticks_now = due == net->ticked_ms ? net->ticks_now + 1 : 0;
        net->ticked_ms = due;
        CHECK(net->ticks_now < 1000);
    }
    return true;
}

void replica_net_run(struct replica_net *net, uint64_t end_ms)
{
    while (turn(net, end_ms)) {
    }
}

static bool settled(const struct replica_net *net, uint64_t height)
{
    uint64_t common = 0;
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        if (!net->nodes[i].running) {
            continue;
        }
        struct replica_view view;
        replica_inspect(net->nodes[i].replica, &view);
        if (view.pool_batches > 0 || view.consensus.final_height < height ||
            (common != 0 && view.consensus.final_height != common)) {
            return false;
        }
        common = view.consensus.final_height;
    }
    return true;
}

/* Where every node stands, for the output of a failed test. */
static void print_state(const struct replica_net *net)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        struct replica_view view;
        if (!net->nodes[i].running) {
            continue;
        }
        replica_inspect(net->nodes[i].replica, &view);
        (void)fprintf(stderr,
                      "%llu node %u: height %llu final view %llu view %llu leader %u delta %u "
                      "may_sign %d halted %d pool %u\n",
                      (unsigned long long)net->now_ms, i,
                      (unsigned long long)view.consensus.final_height,
                      (unsigned long long)view.consensus.final_view,
                      (unsigned long long)view.consensus.view, view.consensus.leader,
                      view.consensus.delta_ms, view.consensus.may_sign, view.consensus.halted,
                      view.pool_batches);
    }
}

bool replica_net_settle(struct replica_net *net, uint64_t height, uint64_t end_ms)
{
    while (!settled(net, height)) {
        if (!turn(net, end_ms)) {
            print_state(net);
            return false;
        }
    }
    return true;
}

uint64_t replica_net_now(const struct replica_net *net)
{
    return net->now_ms;
}

/* --- Clients ----------------------------------------------------------------------------------- */

static uint8_t *make_batch(struct replica_net *net, uint32_t submitter, uint64_t number,
                           struct record *records, uint32_t count, size_t *ret_length)
{
    struct hash *hashes = array_of(count, sizeof *hashes);
    struct batch_header header = {.version = BATCH_VERSION,
                                  .kind = BATCH_RECORDS,
                                  .participant = submitter,
                                  .key_no = 1,
                                  .count = count,
                                  .created_ms = WALL_START_MS + number % 1000,
                                  .expires_ms = WALL_START_MS + LIMIT_BATCH_LIFE_MS,
                                  .chain_id = net->chain_id,
                                  .records_root = batch_records_root(records, count, hashes)};
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    struct public_key key = test_key(1, submitter - 1);
    batch_signed_bytes(&header, signed_bytes);
    struct signature signature = stand_in(&key, signed_bytes, sizeof signed_bytes);
    *ret_length = BATCH_PREFIX_BYTES + (size_t)count * RECORD_BYTES;
    uint8_t *bytes = malloc(*ret_length);
    CHECK(bytes != NULL);
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + BATCH_HEADER_BYTES, signature.bytes, sizeof signature.bytes);
    memcpy(bytes + BATCH_PREFIX_BYTES, records, (size_t)count * RECORD_BYTES);
    free(hashes);
    return bytes;
}

uint8_t *replica_net_batch(struct replica_net *net, uint32_t submitter, uint64_t number,
                           uint32_t count, size_t *ret_length)
{
    struct prng prng = prng_seeded(number * 31 + submitter);
    struct record *records = array_of(count, sizeof *records);
    for (uint32_t i = 0; i < count; i++) {
        struct record *record = &records[i];
        put_be64(record->id.bytes, number);
        put_be64(record->id.bytes + 8, i + 1);
        record->amount = 1 + prng_below(&prng, 100000);
        record->interchange = (int64_t)(record->amount / 300);
        record->payee_fee = (int64_t)(record->amount / 3000);
        record->payer = submitter;
        record->payee = 3 + (uint32_t)prng_below(&prng, PARTICIPANTS - 2);
        if (record->payee == submitter) {
            record->payee = submitter == 3 ? 4 : 3;
        }
        record->business_date = 20261123;
        record->kind = RECORD_CLEAR;
        record->scheme = 1;
        record->currency = CURRENCY_CNY;
    }
    uint8_t *bytes = make_batch(net, submitter, number, records, count, ret_length);
    free(records);
    return bytes;
}

uint8_t *replica_net_funding(struct replica_net *net, size_t *ret_length)
{
    struct record records[PARTICIPANTS - 1];
    memset(records, 0, sizeof records);
    for (uint32_t i = 0; i < PARTICIPANTS - 1; i++) {
        struct record *record = &records[i];
        put_be64(record->id.bytes, 1);
        put_be64(record->id.bytes + 8, i + 1);
        put_be64(record->match_key.bytes, i + 1);
        record->amount = 1000000000;
        record->payee = i + 2;
        record->business_date = 20261123;
        record->kind = RECORD_FUND;
        record->currency = CURRENCY_CNY;
    }
    return make_batch(net, 1, 0, records, PARTICIPANTS - 1, ret_length);
}

void replica_net_submit(struct replica_net *net, uint32_t node, const uint8_t *batch,
                        size_t length)
{
    struct client_message message = {.kind = CLIENT_SUBMIT,
                                     .request = net->order,
                                     .submit = {.batch = {.data = batch, .length = length}}};
    struct message delivery = {.kind = TO_NODE,
                               .to = node,
                               .to_life = net->nodes[node].life,
                               .session = SESSION_FIRST,
                               .due_ms = net->now_ms + 1};
    delivery.length = client_encoded_bound(&message);
    delivery.bytes = malloc(delivery.length);
    CHECK(delivery.bytes != NULL);
    CHECK(client_encode(&message, delivery.bytes, delivery.length, &delivery.length) == STATUS_OK);
    heap_push(net, &delivery);
}

uint32_t replica_net_answers(const struct replica_net *net, unsigned kind)
{
    return net->answers[kind];
}

uint64_t replica_net_height(const struct replica_net *net, uint32_t node)
{
    struct replica_view view;
    replica_inspect(net->nodes[node].replica, &view);
    return view.consensus.final_height;
}

uint64_t replica_net_records(const struct replica_net *net, uint32_t node)
{
    struct replica_view view;
    replica_inspect(net->nodes[node].replica, &view);
    return view.total_records;
}

struct hash replica_net_hash_at(struct replica_net *net, uint32_t node, uint64_t height)
{
    uint8_t key[8];
    struct span row;
    static struct block_row block;
    put_be64(key, height);
    CHECK(memory_store_get(&net->nodes[node].store, STORE_BLOCKS, key, sizeof key, &row));
    CHECK(row_block_decode(row, &block) == STATUS_OK);
    return block.hash;
}

bool replica_net_running(const struct replica_net *net, uint32_t node)
{
    return net->nodes[node].running;
}
