/*
 * consensus_net: the simulated shell of each node: passes, storage, crashes, blocks, fetching. The
 * network itself and the clock are in consensus_wire.c.
 */
#include "tests/support/consensus_net.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "consensus/machine.h"
#include "tests/support/consensus_wire.h"

void net_list_add(struct net_list *list, void *item)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        list->items = realloc(list->items, list->capacity * sizeof *list->items);
        CHECK(list->items != NULL);
    }
    list->items[list->count] = item;
    list->count++;
}

void *net_own(struct net *net, const void *bytes, size_t size)
{
    void *copy = malloc(size);
    CHECK(copy != NULL);
    memcpy(copy, bytes, size);
    net_list_add(&net->owned, copy);
    return copy;
}

/* Blocks: the index stands in the first bytes of the hash. */

struct net_block *net_make_block(struct net *net, const struct consensus_block *fields, bool valid)
{
    struct net_block block = {.block = *fields, .valid = valid, .index = net->blocks.count};
    uint8_t bytes[16];
    put_le64(bytes, net->config.seed);
    put_le64(bytes + 8, block.index);
    block.block.hash = hash_of(&PURPOSE_BLOCK, bytes, sizeof bytes);
    put_le32(block.block.hash.bytes, block.index);
    struct net_block *made = net_own(net, &block, sizeof block);
    net_list_add(&net->blocks, made);
    return made;
}

struct net_block *net_block_of(struct net *net, const struct hash *hash)
{
    const uint32_t index = get_le32(hash->bytes);
    CHECK(index < net->blocks.count);
    struct net_block *block = net->blocks.items[index];
    CHECK(hash_equal(&block->block.hash, hash));
    return block;
}

void net_hold(struct net *net, struct net_node *node, const struct net_block *block)
{
    if (block->index >= node->holds_capacity) {
        const uint32_t capacity = net->blocks.count + 256;
        node->holds = realloc(node->holds, capacity);
        CHECK(node->holds != NULL);
        memset(node->holds + node->holds_capacity, 0, capacity - node->holds_capacity);
        node->holds_capacity = capacity;
    }
    node->holds[block->index] = 1;
}

static bool holds(const struct net_node *node, const struct net_block *block)
{
    return block->index < node->holds_capacity && node->holds[block->index] != 0;
}

/* Signatures: a mix of key and preimage; nobody but net_sign makes one. */

void net_sign_preimage(const struct public_key *key, const uint8_t *preimage, struct signature *ret)
{
    uint64_t state = get_le64(key->bytes) * UINT64_C(0x9e3779b97f4a7c15);
    for (uint32_t i = 0; i < VOTE_PREIMAGE_BYTES; i += 8) {
        state = (state ^ get_le64(preimage + i)) * UINT64_C(0xbf58476d1ce4e5b9);
        state ^= state >> 29;
    }
    memset(ret, 0, sizeof *ret);
    put_le64(ret->bytes, state);
}

static void sign(void *context, const uint8_t preimage[VOTE_PREIMAGE_BYTES],
                 struct signature *ret_signature)
{
    net_sign_preimage(context, preimage, ret_signature);
}

static bool verify(void *context, const struct public_key *key,
                   const uint8_t preimage[VOTE_PREIMAGE_BYTES], const struct signature *signature)
{
    (void)context;
    struct signature expected;
    net_sign_preimage(key, preimage, &expected);
    return memcmp(&expected, signature, sizeof expected) == 0;
}

void net_sign(struct net *net, struct vote *vote)
{
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    vote_preimage(vote, &net->chain_id, &net->set.hash, preimage);
    net_sign_preimage(&net->set.members[vote->signer].key, preimage, &vote->signature);
}

/* Storage. */

static const struct net_final *last_final(const struct net_storage *storage)
{
    return storage->chain.count == 0 ? NULL : storage->chain.items[storage->chain.count - 1];
}

static struct consensus_block root_block(const struct net *net)
{
    struct consensus_block root = {.epoch = 1, .timestamp_ms = 1000};
    root.hash = net->chain_id;
    return root;
}

static struct consensus_block final_block(const struct net *net, const struct net_node *node)
{
    const struct net_final *last = last_final(&node->storage);
    return last == NULL ? root_block(net) : last->block->block;
}

static void persist_certificate(struct net *net, struct net_node *node,
                                const struct certificate *certificate)
{
    struct net_list *list = &node->storage.certificates;
    for (uint32_t i = list->count; i > 0; i--) {
        const struct certificate *old = list->items[i - 1];
        if (old->view == certificate->view && old->kind == certificate->kind) {
            return;
        }
    }
    net_list_add(list, net_own(net, certificate, sizeof *certificate));
}

static void persist_block(struct net *net, struct net_node *node, const struct hash *hash)
{
    struct net_block *block = net_block_of(net, hash);
    CHECK(holds(node, block));
    for (uint32_t i = 0; i < node->storage.open.count; i++) {
        if (node->storage.open.items[i] == block) {
            return;
        }
    }
    net_list_add(&node->storage.open, block);
}

static void commit(struct net *net, struct net_node *node, const struct effect *effect)
{
    struct net_block *block = net_block_of(net, &effect->commit.block_hash);
    const struct consensus_block parent = final_block(net, node);
    CHECK(holds(node, block));
    CHECK(hash_equal(&block->block.parent_hash, &parent.hash));
    CHECK(block->valid || net_is_faulty(net, node));
    struct net_final final = {.block = block};
    final.finalization =
        net_own(net, effect->commit.finalization, sizeof *effect->commit.finalization);
    net_list_add(&node->storage.chain, net_own(net, &final, sizeof final));
    watch_commit(net, node, block, final.finalization);
    net_storage_prune(&node->storage, final.finalization->view, block->block.height);
}

static void apply_durable(struct net *net, struct net_node *node, const struct effect *effect)
{
    if (effect->kind == EFFECT_PERSIST_VOTE) {
        net_list_add(&node->storage.votes, net_own(net, effect->vote, sizeof *effect->vote));
        watch_vote(net, node, effect->vote);
    } else if (effect->kind == EFFECT_PERSIST_CERTIFICATE) {
        persist_certificate(net, node, effect->certificate);
    } else if (effect->kind == EFFECT_PERSIST_BLOCK) {
        persist_block(net, node, &effect->block_hash);
    } else if (effect->kind == EFFECT_COMMIT) {
        commit(net, node, effect);
    } else if (effect->kind == EFFECT_EVIDENCE) {
        watch_evidence(net, effect->evidence);
    }
}

/* Checking and building blocks. */

static enum block_check check_of(struct net *net, const struct net_node *node,
                                 const struct net_block *block)
{
    const struct consensus_block parent = final_block(net, node);
    if (!hash_equal(&parent.hash, &block->block.parent_hash)) {
        return BLOCK_UNAVAILABLE;
    }
    const bool valid = block->valid && block->block.height == parent.height + 1 &&
                       block->block.timestamp_ms > parent.timestamp_ms;
    return valid ? BLOCK_AGREES : BLOCK_INVALID;
}

static void answer_check(struct net *net, struct net_node *node, struct net_block *block,
                         bool unavailable)
{
    struct event event = {.kind = EVENT_BLOCK_CHECKED};
    event.checked.hash = block->block.hash;
    event.checked.check = BLOCK_UNAVAILABLE;
    if (!unavailable) {
        event.checked.check = check_of(net, node, block);
        event.checked.block = block->block;
    }
    net_inject(net, node->index, &event);
}

/* Asks the next peer for a block's bytes, or gives up. */
static void fetch_next(struct net *net, struct net_node *node, uint32_t slot)
{
    struct net_fetch *fetch = &node->fetches[slot];
    if (fetch->tries == 2 * net->config.count) {
        fetch->active = false;
        answer_check(net, node, fetch->block, true);
        return;
    }
    if (fetch->tries > 0 || fetch->peer >= net->config.count) {
        fetch->peer = (uint32_t)prng_below(&net->prng, net->config.count);
    }
    fetch->tries++;
    fetch->due_ms = net->now_ms + 2 * net->config.delay_max_ms + 5;
    wire_fetch(net, node->index, fetch->peer, fetch->block);
    wire_fetch_timer(net, node, slot, fetch->due_ms);
}

void shell_fetch_due(struct net *net, struct net_node *node, uint32_t slot)
{
    if (node->fetches[slot].active && node->fetches[slot].due_ms <= net->now_ms) {
        fetch_next(net, node, slot);
    }
}

void shell_fetch_asked(struct net *net, uint32_t index, uint32_t from, struct net_block *block)
{
    if (holds(&net->nodes[index], block)) {
        wire_fetch_reply(net, index, from, block);
    }
}

void shell_fetched(struct net *net, struct net_node *node, struct net_block *block)
{
    net_hold(net, node, block);
    for (uint32_t i = 0; i < 16; i++) {
        if (node->fetches[i].active && node->fetches[i].block == block) {
            node->fetches[i].active = false;
            answer_check(net, node, block, false);
        }
    }
}

static void check_block(struct net *net, struct net_node *node, const struct effect *effect)
{
    struct net_block *block = net_block_of(net, &effect->block_hash);
    node->checks++;
    if (holds(node, block)) {
        answer_check(net, node, block, false);
        return;
    }
    for (uint32_t i = 0; i < 16; i++) {
        if (!node->fetches[i].active) {
            node->fetches[i] =
                (struct net_fetch){.active = true, .block = block, .peer = effect->peer};
            fetch_next(net, node, i);
            return;
        }
    }
    answer_check(net, node, block, true);
}

static void build_block(struct net *net, struct net_node *node, const struct effect *effect)
{
    const struct consensus_block parent = final_block(net, node);
    struct event event = {.kind = EVENT_BLOCK_BUILT};
    node->builds++;
    CHECK(hash_equal(&parent.hash, &effect->build.parent_hash));
    uint64_t timestamp = wire_wall_ms(net, node);
    if (timestamp < effect->build.min_timestamp_ms) {
        timestamp = effect->build.min_timestamp_ms;
    }
    CHECK(timestamp <= effect->build.max_timestamp_ms);
    const struct consensus_block fields = {
        .parent_hash = parent.hash,
        .epoch = 1,
        .height = parent.height + 1,
        .timestamp_ms = timestamp,
        .proposer = node->self,
        .flags = parent.height + 1 == net->terminal_height ? CONSENSUS_BLOCK_TERMINAL : 0};
    const struct net_block *block = net_make_block(net, &fields, true);
    net_hold(net, node, block);
    event.built.view = effect->build.view;
    event.built.built = true;
    event.built.block = block->block;
    net_inject(net, node->index, &event);
}

/* Passes and crashes. */

void net_crash(struct net *net, uint32_t index)
{
    struct net_node *node = &net->nodes[index];
    CHECK(node->alive);
    node->alive = false;
    node->life++;
    node->crash_countdown = 0;
    node->tick_ms = UINT64_MAX;
    memset(node->fetches, 0, sizeof node->fetches);
    if (node->holds_capacity > 0) {
        memset(node->holds, 0, node->holds_capacity);
    }
    node->restart_ms = net->now_ms + 1 + prng_below(&net->prng, 4000);
    wire_links_down(net, index);
    if (!node->stopped) {
        wire_restart_at(net, node, node->restart_ms);
    }
}

void net_stop(struct net *net, uint32_t index)
{
    net->nodes[index].stopped = true;
    if (net->nodes[index].alive) {
        net_crash(net, index);
    }
}

/* One place at which a crash may come; true if it came. */
static bool boundary(struct net *net, struct net_node *node)
{
    net->boundaries++;
    if (node->crash_countdown == 0) {
        return false;
    }
    node->crash_countdown--;
    if (node->crash_countdown > 0) {
        return false;
    }
    net_crash(net, node->index);
    return true;
}

/* One place around a durable write; true if the test lets the node die there. */
static bool write_boundary(struct net *net, const struct net_node *node)
{
    net->writes++;
    if (net->writes != net->crash_at) {
        return false;
    }
    for (uint32_t i = 0; i < net->node_count; i++) {
        if (net->nodes[i].alive && (net->crash_all_at || i == node->index)) {
            net_crash(net, i);
        }
    }
    return true;
}

static bool is_durable(enum effect_kind kind)
{
    return kind == EFFECT_PERSIST_VOTE || kind == EFFECT_PERSIST_CERTIFICATE ||
           kind == EFFECT_PERSIST_BLOCK || kind == EFFECT_COMMIT || kind == EFFECT_EVIDENCE;
}

static bool writes_anything(const struct effects *effects)
{
    for (uint32_t i = 0; i < effects->count; i++) {
        const enum effect_kind kind = effects->list[i].kind;
        if (is_durable(kind) || kind == EFFECT_WRITE_REGISTER) {
            return true;
        }
    }
    return false;
}

static void act(struct net *net, struct net_node *node, const struct effect *effect)
{
    if (effect->kind == EFFECT_CHECK_BLOCK) {
        check_block(net, node, effect);
    } else if (effect->kind == EFFECT_BUILD_BLOCK) {
        build_block(net, node, effect);
    } else if (effect->kind == EFFECT_ALARM) {
        node->alarms[effect->alarm]++;
    } else if (effect->kind == EFFECT_HALT) {
        node->alarms[effect->alarm]++;
        node->halts++;
    } else {
        if (effect->kind == EFFECT_SEND_VOTE) {
            watch_sent(net, node, effect->vote);
        }
        wire_send(net, node, effect);
    }
}

static void run_pass(struct net *net, struct net_node *node)
{
    const struct effects *effects = &net->effects;
    if (effects->count > 0 && net->chaos && !node->stopped && node->crash_countdown == 0 &&
        prng_below(&net->prng, 1000) < net->config.crash_permille) {
        node->crash_countdown = 1 + (uint32_t)prng_below(&net->prng, 3 + effects->count);
    }
    const bool writes = writes_anything(effects);
    if (effects->count > 0 && (boundary(net, node) || (writes && write_boundary(net, node)))) {
        return;
    }
    for (uint32_t i = 0; i < effects->count; i++) {
        apply_durable(net, node, &effects->list[i]);
    }
    if (effects->count > 0 && (boundary(net, node) || (writes && write_boundary(net, node)))) {
        return;
    }
    node->passes += effects->count > 0;
    if (effects->count > 0 && node->passes == node->copy_at) {
        node->copy = net_storage_copy(&node->storage);
    }
    for (uint32_t i = 0; i < effects->count; i++) {
        if (effects->list[i].kind == EFFECT_WRITE_REGISTER) {
            watch_register(net, node, effects->list[i].vote_register);
            node->vote_register = *effects->list[i].vote_register;
            node->vote_register.behind = node->vote_register.behind && !net_is_faulty(net, node);
        }
    }
    if (writes && write_boundary(net, node)) {
        return;
    }
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->list[i];
        if (is_durable(effect->kind) || effect->kind == EFFECT_WRITE_REGISTER) {
            continue;
        }
        if (boundary(net, node)) {
            return;
        }
        act(net, node, effect);
    }
    watch_node(net, node);
    wire_schedule_tick(net, node);
}

void shell_step(struct net *net, struct net_node *node, struct event *event)
{
    event->now_ms = wire_wall_ms(net, node);
    event->monotonic_ms = wire_monotonic_ms(net);
    if (node->index == net->config.byzantine && !net->config.scripted) {
        byzantine_sees(net, event);
    }
    if (event->kind == EVENT_PROPOSAL && event->proposal->has_block) {
        net_hold(net, node, net_block_of(net, &event->proposal->block.hash));
    }
    if (event->kind == EVENT_CATCHUP_BLOCK) {
        net_hold(net, node, net_block_of(net, &event->catchup.block.hash));
    }
    net->steps++;
    consensus_step(node->consensus, event, &net->effects);
    if (net_is_faulty(net, node)) {
        /* It is shown what it signed beside its machine, and does not mind. */
        node->consensus->register_behind = false;
        node->consensus->vote_register.behind = false;
    }
    if (event->kind == EVENT_TICK &&
        consensus_next_deadline(node->consensus) <= event->monotonic_ms) {
        net_violation(net, "node %u is due at once after a tick", node->index);
    }
    run_pass(net, node);
}

static void hold_stored(struct net *net, struct net_node *node)
{
    for (uint32_t i = 0; i < node->storage.open.count; i++) {
        net_hold(net, node, node->storage.open.items[i]);
    }
    for (uint32_t i = 0; i < node->storage.chain.count; i++) {
        const struct net_final *final = node->storage.chain.items[i];
        net_hold(net, node, final->block);
    }
}

static void init_machine(struct net *net, struct net_node *node)
{
    const struct consensus_config config = {
        .chain_id = net->chain_id,
        .epoch = 1,
        .validators = &net->set,
        .own_index = node->self,
        .delta_ms = net->config.delta_ms,
        .block_interval_ms = net->config.block_interval_ms,
        .empty_interval_ms = net->config.empty_interval_ms,
        .crypto = {.context = &net->set.members[node->self].key, .sign = sign, .verify = verify},
    };
    node->consensus = consensus_init(node->memory, &config);
}

void net_restart(struct net *net, uint32_t index)
{
    struct net_node *node = &net->nodes[index];
    CHECK(!node->alive);
    node->alive = true;
    node->stopped = false;
    node->tick_ms = UINT64_MAX;
    hold_stored(net, node);
    init_machine(net, node);
    const struct net_final *last = last_final(&node->storage);
    struct consensus_recovery recovery = {.final_block = final_block(net, node)};
    recovery.final_view = last == NULL ? 0 : last->finalization->view;
    recovery.finalization = last == NULL ? NULL : last->finalization;
    const struct net_storage *storage = &node->storage;
    struct vote *votes = calloc(storage->votes.count + 1, sizeof *votes);
    struct consensus_block *open = calloc(storage->open.count + 1, sizeof *open);
    CHECK(votes != NULL && open != NULL);
    for (uint32_t i = 0; i < storage->votes.count; i++) {
        const struct vote *vote = storage->votes.items[i];
        votes[i] = *vote;
    }
    for (uint32_t i = 0; i < storage->open.count; i++) {
        const struct net_block *block = storage->open.items[i];
        open[i] = block->block;
    }
    recovery.votes = votes;
    recovery.vote_count = storage->votes.count;
    recovery.certificates = (const struct certificate *const *)storage->certificates.items;
    recovery.certificate_count = storage->certificates.count;
    recovery.open_blocks = open;
    recovery.open_block_count = storage->open.count;
    recovery.vote_register = &node->vote_register;
    const enum status status = consensus_restore(
        node->consensus, &recovery, wire_wall_ms(net, node), wire_monotonic_ms(net), &net->effects);
    if (status != STATUS_OK) {
        net_violation(net, "node %u cannot restart: %s", index, status_text(status));
    }
    free(votes);
    free(open);
    struct event work = {.kind = EVENT_WORK, .has_work = node->has_work};
    net_inject(net, index, &work);
    wire_links_up(net, index);
    run_pass(net, node);
}

void shell_free(struct net *net)
{
    for (uint32_t i = 0; i < net->node_count; i++) {
        net_storage_free(&net->nodes[i].storage);
        net_storage_free(&net->nodes[i].copy);
        free(net->nodes[i].memory);
        free(net->nodes[i].holds);
    }
}
