/* replica_net: whole replicas on virtual time (see replica_net.h). */
#include "tests/support/replica_net_state.h"

static bool before(const struct message *a, const struct message *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

void net_push(struct replica_net *net, const struct message *message)
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

void net_free_message(struct message *message)
{
    free(message->bytes);
    free(message->result.bytes);
    free(message->result.record_hashes);
}

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

static void stop(struct net_node *node);

static void send_twice(struct replica_net *net, const struct message *message)
{
    struct message copy = *message;
    copy.bytes = malloc(message->length);
    CHECK(copy.bytes != NULL);
    memcpy(copy.bytes, message->bytes, message->length);
    copy.due_ms += prng_below(&net->prng, 3000);
    net_push(net, &copy);
}

/* In the midst of a pass that writes. */
static void die(struct net_node *node)
{
    if (node->death == DIES_BEFORE_COMMIT) {
        memory_store_rollback(&node->store);
    } else {
        memory_store_commit(&node->store);
        check_agreement(node);
    }
    if (node->death == DIES_BEFORE_SENDING && node->register_pending) {
        node->vote_register = node->register_next;
    }
    stop(node);
}

/* The end of a pass: durable first, then the frames leave. */
void net_end_pass(struct net_node *node)
{
    struct replica_net *net = node->net;
    replica_pass_end(node->replica);
    if (node->store.undo_count > 0 || node->register_pending) {
        node->written_passes++;
        if (node->passes_left > 0 && --node->passes_left == 0) {
            die(node);
            return;
        }
    }
    memory_store_commit(&node->store);
    if (node->tear && node->register_pending) {
        node->tear = false;
        /* What it signed leaves with the next start, if the store is still there then. */
        const size_t torn = node->unsent_count;
        check_agreement(node);
        stop(node);
        node->unsent_count = torn;
        return;
    }
    if (node->register_pending) {
        node->vote_register = node->register_next;
        node->register_pending = false;
    }
    if (node->next_key_pending) {
        node->next_key_register = node->next_key_register_next;
        node->next_key_pending = false;
    }
    net_keys_left(node);
    check_agreement(node);
    for (size_t i = 0; i < node->outbox_count; i++) {
        struct message *message = &node->outbox[i];
        bool lost = message->kind == TO_PEER &&
                    (net->cut[node->index][message->to] || !net->nodes[message->to].running ||
                     prng_below(&net->prng, 1000) < net->options.loss_permille);
        if (lost) {
            net_free_message(message);
            continue;
        }
        message->due_ms = net->now_ms + 1 + prng_below(&net->prng, net->options.delay_ms_max + 1);
        message->to_life = net->nodes[message->to].life;
        if (message->kind == TO_PEER &&
            prng_below(&net->prng, 1000) < net->options.duplicate_permille) {
            send_twice(net, message);
        }
        net_push(net, message);
    }
    node->outbox_count = 0;
}

void net_begin_pass(struct net_node *node)
{
    replica_time(node->replica, WALL_START_MS + node->net->now_ms + node->clock_ahead_ms,
                 node->net->now_ms);
}

static void start(struct net_node *node)
{
    struct replica_net *net = node->net;
    struct node_io io = net_node_io(node);
    char error[256];
    struct peer_observer observers[NET_NODES_MAX];
    const bool has_key = node->index < net->options.nodes - net->options.observers;
    struct replica_config config = {
        .lineage = &net->lineage,
        .keys = {{.key = net_own_key(node), .vote_register = &node->vote_register},
                 {.key = net_next_key(node->index), .vote_register = &node->next_key_register}},
        .key_count = !has_key             ? 0
                     : node->has_next_key ? 2
                                          : 1,
        .transport_key = net_transport_key(node->index),
        .observers = observers,
        .observer_count = net_observers(net, observers),
        .pool_bytes = 64u << 20,
        .crashed_batches = &node->died_on,
        .crashed_count = hash_is_zero(&node->died_on) ? 0 : 1};
    node->written_passes = 0;
    enum status status =
        replica_open(&io, &config, WALL_START_MS + net->now_ms + node->clock_ahead_ms, net->now_ms,
                     &node->replica, error, sizeof error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "node %u does not start: %s\n", node->index, error);
        abort();
    }
    node->running = true;
    node->died_on = (struct hash){{0}};
    replica_client_up(node->replica, SESSION_FIRST, CLIENT_PARTICIPANT, 1);
    net_end_pass(node);
}

struct replica_net *replica_net_new(const struct net_options *options)
{
    CHECK(options->nodes > 0 && options->nodes <= NET_NODES_MAX);
    struct replica_net *net = net_array(1, sizeof *net);
    net->options = *options;
    net->prng = prng_seeded(options->seed);
    net->final_hashes = net_array(HEIGHTS_MAX, sizeof *net->final_hashes);
    net_fill_genesis(&net->genesis,
                     options->validators == 0 ? options->nodes : options->validators);
    CHECK(genesis_validator_set(&net->genesis, 1, &net->validators) == STATUS_OK);
    net->chain_id = genesis_file_chain_id(&net->genesis);
    lineage_single(&net->lineage, &net->genesis, &net->chain_id);
    for (uint32_t i = 0; i < options->nodes; i++) {
        struct net_node *node = &net->nodes[i];
        node->net = net;
        node->index = i;
        node->vote_register.chain_id = net->chain_id;
        node->vote_register.epoch = 1;
        memory_store_init(&node->store, STORE_TABLE_COUNT);
        start(node);
    }
    net_relink(net);
    return net;
}

static void stop(struct net_node *node)
{
    node->tear = false;
    replica_free(node->replica);
    node->replica = NULL;
    node->running = false;
    node->life++;
    for (size_t i = 0; i < node->outbox_count; i++) {
        net_free_message(&node->outbox[i]);
    }
    node->outbox_count = 0;
    node->unsent_count = 0;
    node->register_pending = false;
    node->next_key_pending = false;
    memset(node->net->linked[node->index], 0, sizeof node->net->linked[node->index]);
    node->net->peers_changed = true; /* the others see it go at the next turn, or before */
}

void replica_net_free(struct replica_net *net)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        if (net->nodes[i].running) {
            stop(&net->nodes[i]);
        }
        memory_store_end(&net->nodes[i].store);
        free(net->nodes[i].outbox);
        net_keys_end(&net->nodes[i]);
    }
    while (net->queue_count > 0) {
        struct message message = heap_pop(net);
        net_free_message(&message);
    }
    for (uint32_t i = 0; i < REPLAY_FRAMES; i++) {
        free(net->replay[i].bytes);
    }
    free(net->queue);
    free(net->final_hashes);
    net_incarnations_end(net);
    genesis_free(&net->genesis);
    free(net);
}

void replica_net_crash(struct replica_net *net, uint32_t node)
{
    memory_store_rollback(&net->nodes[node].store);
    stop(&net->nodes[node]);
    net_relink(net);
}

void replica_net_tear(struct replica_net *net, uint32_t node)
{
    net->nodes[node].tear = true;
}

void replica_net_died_on(struct replica_net *net, uint32_t node, const struct hash *batch_id)
{
    net->nodes[node].died_on = *batch_id;
}

void replica_net_set_clock(struct replica_net *net, uint32_t node, uint64_t ahead_ms)
{
    net->nodes[node].clock_ahead_ms = ahead_ms;
}

void replica_net_wipe(struct replica_net *net, uint32_t node)
{
    CHECK(!net->nodes[node].running);
    memory_store_end(&net->nodes[node].store);
    memory_store_init(&net->nodes[node].store, STORE_TABLE_COUNT);
    net->nodes[node].seen_height = 0;
    net->nodes[node].unsent_count = 0;
}

void replica_net_inject(struct replica_net *net, uint32_t from, uint32_t to, const uint8_t *frame,
                        size_t length)
{
    struct net_node *node = &net->nodes[to];
    if (node->running) {
        net_begin_pass(node);
        enum status ignored =
            replica_peer_frame(node->replica, net_slot_of(node, from), frame, length);
        (void)ignored;
        net_end_pass(node);
    }
}

void replica_net_restart(struct replica_net *net, uint32_t node)
{
    start(&net->nodes[node]);
    net_relink(net);
}

void replica_net_cut(struct replica_net *net, uint32_t a, uint32_t b, bool cut)
{
    net->cut[a][b] = cut;
    net->cut[b][a] = cut;
    net_relink(net);
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
    CHECK(client_decode(message->bytes, message->length, &arena, LIMIT_VALIDATORS, &answer, NULL) ==
          STATUS_OK);
    net->answers[answer.kind]++;
}

static void mutate(struct replica_net *net, struct message *message)
{
    uint64_t changes = 1 + prng_below(&net->prng, 3);
    for (uint64_t i = 0; i < changes && message->length > 0; i++) {
        size_t at = (size_t)prng_below(&net->prng, message->length);
        message->bytes[at] = (uint8_t)prng_next(&net->prng);
    }
    if (prng_below(&net->prng, 8) == 0) {
        message->length = (size_t)prng_below(&net->prng, message->length + 1);
    }
}

/* Keeps a copy of the frame, and sends an older one again in the mutant's name. */
static void replay(struct replica_net *net, const struct message *message)
{
    struct message *old = &net->replay[prng_below(&net->prng, REPLAY_FRAMES)];
    if (old->bytes != NULL) {
        struct message again = *old;
        again.from = net->mutant;
        again.to = (uint32_t)prng_below(&net->prng, net->options.nodes);
        again.to_life = net->nodes[again.to].life;
        again.due_ms = net->now_ms + 1 + prng_below(&net->prng, 5000);
        if (again.to != net->mutant) {
            net_push(net, &again);
        } else {
            free(again.bytes);
        }
    }
    *old = *message;
    old->bytes = malloc(message->length);
    CHECK(old->bytes != NULL);
    memcpy(old->bytes, message->bytes, message->length);
}

static void take_peer_frame(struct net_node *node, struct message *message)
{
    struct replica_net *net = node->net;
    const bool fair = net->mutant_permille == 0 || message->from != net->mutant;
    if (net->mutant_permille > 0) {
        if (!fair && prng_below(&net->prng, 1000) < net->mutant_permille) {
            mutate(net, message);
        }
        if (prng_below(&net->prng, 1000) < net->mutant_permille / 4) {
            replay(net, message);
        }
    }
    const uint32_t slot = net_slot_of(node, message->from);
    if (slot == PEER_NONE) {
        return; /* the node has dropped the link meanwhile */
    }
    enum status status = replica_peer_frame(node->replica, slot, message->bytes, message->length);
    CHECK(status == STATUS_OK || !fair || net->had_mutant);
}

void replica_net_set_mutant(struct replica_net *net, uint32_t node, uint32_t permille)
{
    net->mutant = node;
    net->mutant_permille = permille;
    net->had_mutant = true;
}

static void deliver(struct replica_net *net, struct message *message)
{
    struct net_node *node = &net->nodes[message->to];
    if (message->kind == TO_CLIENT) {
        answer_client(net, message);
    } else if (node->running && node->life == message->to_life) {
        net_begin_pass(node);
        if (message->kind == TO_PEER) {
            take_peer_frame(node, message);
        } else if (message->kind == TO_NODE) {
            CHECK(replica_client_frame(node->replica, message->session, message->bytes,
                                       message->length) == STATUS_OK);
        } else {
            replica_batch_verified(node->replica, &message->result);
            message->result.bytes = NULL;
            message->result.record_hashes = NULL;
        }
        net_end_pass(node);
    }
    net_free_message(message);
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
        net_begin_pass(&net->nodes[timed]);
        replica_tick(net->nodes[timed].replica);
        net_end_pass(&net->nodes[timed]);
        /* A timer may be due again at once, but not for ever: virtual time must move. */
        net->ticks_now = due == net->ticked_ms ? net->ticks_now + 1 : 0;
        net->ticked_ms = due;
        CHECK(net->ticks_now < 1000);
    }
    if (net->peers_changed) {
        net_relink(net);
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
        (void)fprintf(
            stderr,
            "%llu node %u: height %llu final view %llu view %llu leader %u delta %u "
            "may_sign %d halted %d pool %u\n",
            (unsigned long long)net->now_ms, i, (unsigned long long)view.consensus.final_height,
            (unsigned long long)view.consensus.final_view, (unsigned long long)view.consensus.view,
            view.consensus.leader, view.consensus.delta_ms, view.consensus.may_sign,
            view.consensus.halted, view.pool_batches);
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

void replica_net_submit(struct replica_net *net, uint32_t node, const uint8_t *batch, size_t length)
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
    net_push(net, &delivery);
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
