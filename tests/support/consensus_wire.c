/*
 * consensus_wire: virtual time and the simulated network of consensus_net: one heap of things that
 * happen, ordered by time and then by number, so that one seed gives one run.
 */
#include "tests/support/consensus_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define WALL_START_MS UINT64_C(1790000000000)
#define MONOTONIC_START_MS 10000
#define REPLY_BLOCKS_MAX 16
#define REPLY_CERTIFICATES_MAX 64

enum happening {
    HAPPENS_MESSAGE,
    HAPPENS_EVENT,
    HAPPENS_TICK,
    HAPPENS_RESTART,
    HAPPENS_FETCH_DUE,
    HAPPENS_FETCH,
    HAPPENS_FETCH_REPLY,
};

struct net_packet {
    uint32_t references;
    enum effect_kind kind;
    struct vote vote;
    struct certificate *certificates;
    struct proposal proposal;
    struct peer_status status;
    uint64_t from_view, to_view, from_height;
    struct consensus_block block; /* with certificates: a catch-up block */
    bool is_catchup;
};

struct net_event {
    uint64_t time_ms, sequence;
    enum happening happening;
    uint32_t to, from, life, slot;
    struct net_packet *packet;
    struct net_block *block;
    struct event event;
};

uint64_t wire_wall_ms(const struct net *net, const struct net_node *node)
{
    return (uint64_t)((int64_t)(WALL_START_MS + net->now_ms) + node->skew_ms);
}

uint64_t wire_monotonic_ms(const struct net *net)
{
    return MONOTONIC_START_MS + net->now_ms;
}

static bool before(const struct net_event *a, const struct net_event *b)
{
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->sequence < b->sequence;
}

static void swap(struct net_event *a, struct net_event *b)
{
    const struct net_event copy = *a;
    *a = *b;
    *b = copy;
}

static void push(struct net *net, struct net_event event)
{
    if (net->heap_count == net->heap_capacity) {
        net->heap_capacity = net->heap_capacity == 0 ? 1024 : 2 * net->heap_capacity;
        net->heap = realloc(net->heap, net->heap_capacity * sizeof *net->heap);
        CHECK(net->heap != NULL);
    }
    event.sequence = net->sequence++;
    uint32_t at = net->heap_count++;
    net->heap[at] = event;
    while (at > 0 && before(&net->heap[at], &net->heap[(at - 1) / 2])) {
        swap(&net->heap[at], &net->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct net_event pop(struct net *net)
{
    const struct net_event first = net->heap[0];
    net->heap_count--;
    net->heap[0] = net->heap[net->heap_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < net->heap_count && before(&net->heap[child], &net->heap[least])) {
                least = child;
            }
        }
        if (least == at) {
            return first;
        }
        swap(&net->heap[at], &net->heap[least]);
        at = least;
    }
}

/* Packets: deep copies, shared by the receivers of a broadcast. */

static struct net_packet *packet_new(enum effect_kind kind, uint32_t certificate_count)
{
    struct net_packet *packet = calloc(1, sizeof *packet);
    CHECK(packet != NULL);
    packet->kind = kind;
    packet->references = 1;
    if (certificate_count > 0) {
        packet->certificates = malloc(certificate_count * sizeof *packet->certificates);
        CHECK(packet->certificates != NULL);
    }
    return packet;
}

static void packet_release(struct net_packet *packet)
{
    if (packet != NULL && --packet->references == 0) {
        free(packet->certificates);
        free(packet);
    }
}

static struct net_packet *packet_of_proposal(const struct proposal *proposal)
{
    struct net_packet *packet = packet_new(EFFECT_SEND_PROPOSAL, 2 + proposal->nullification_count);
    packet->proposal = *proposal;
    if (proposal->parent != NULL) {
        packet->certificates[0] = *proposal->parent;
        packet->proposal.parent = &packet->certificates[0];
    }
    if (proposal->final != NULL) {
        packet->certificates[1] = *proposal->final;
        packet->proposal.final = &packet->certificates[1];
    }
    if (proposal->nullification_count > 0) {
        memcpy(&packet->certificates[2], proposal->nullifications,
               proposal->nullification_count * sizeof *packet->certificates);
    }
    packet->proposal.nullifications = &packet->certificates[2];
    return packet;
}

static struct net_packet *packet_of(const struct effect *effect)
{
    struct net_packet *packet = NULL;
    if (effect->kind == EFFECT_SEND_PROPOSAL) {
        return packet_of_proposal(effect->proposal);
    }
    if (effect->kind == EFFECT_SEND_VOTE) {
        packet = packet_new(effect->kind, 0);
        packet->vote = *effect->vote;
    } else if (effect->kind == EFFECT_SEND_CERTIFICATE) {
        packet = packet_new(effect->kind, 1);
        packet->certificates[0] = *effect->certificate;
    } else if (effect->kind == EFFECT_SEND_STATUS) {
        packet = packet_new(effect->kind, effect->status->final != NULL);
        packet->status = *effect->status;
        if (effect->status->final != NULL) {
            packet->certificates[0] = *effect->status->final;
            packet->status.final = &packet->certificates[0];
        }
    } else {
        packet = packet_new(effect->kind, 0);
        if (effect->kind == EFFECT_REQUEST_CERTIFICATES) {
            packet->from_view = effect->certificates.from_view;
            packet->to_view = effect->certificates.to_view;
        } else {
            CHECK(effect->kind == EFFECT_REQUEST_BLOCKS);
            packet->from_height = effect->from_height;
        }
    }
    return packet;
}

static uint64_t delay(struct net *net)
{
    return 1 + prng_below(&net->prng, net->config.delay_max_ms + 1);
}

static void transmit(struct net *net, struct net_event event)
{
    const bool lost = net->chaos && prng_below(&net->prng, 1000) < net->config.loss_permille;
    if (event.from == event.to || !net->linked[event.from][event.to] ||
        net->blocked[event.from][event.to] || lost) {
        return;
    }
    uint32_t copies = 1;
    if (net->chaos && prng_below(&net->prng, 1000) < net->config.duplicate_permille) {
        copies = 2;
    }
    for (uint32_t i = 0; i < copies; i++) {
        if (event.packet != NULL) {
            event.packet->references++;
        }
        event.time_ms = net->now_ms + delay(net);
        push(net, event);
    }
}

static void transmit_packet(struct net *net, uint32_t from, uint32_t to, struct net_packet *packet)
{
    transmit(net, (struct net_event){.happening = HAPPENS_MESSAGE,
                                     .from = from,
                                     .to = to,
                                     .life = net->nodes[to].life,
                                     .packet = packet});
}

void net_send(struct net *net, uint32_t from, uint32_t to, const struct effect *effect)
{
    struct net_packet *packet = packet_of(effect);
    transmit_packet(net, from, to, packet);
    packet_release(packet);
}

void wire_send(struct net *net, struct net_node *node, const struct effect *effect)
{
    const bool to_all = effect->peer == CONSENSUS_ALL;
    struct net_packet *packet = packet_of(effect);
    for (uint32_t to = 0; to < net->node_count; to++) {
        const uint32_t validator = net->nodes[to].self;
        if ((!to_all && validator != effect->peer) || validator == node->self) {
            continue;
        }
        net->messages++;
        if (net->filter != NULL && net->filter(net, effect, node->index, to)) {
            continue;
        }
        if (node->index == net->config.byzantine && !net->config.scripted &&
            byzantine_send(net, to, effect)) {
            continue;
        }
        transmit_packet(net, node->index, to, packet);
    }
    packet_release(packet);
}

void wire_fetch(struct net *net, uint32_t from, uint32_t to, struct net_block *block)
{
    transmit(net, (struct net_event){
                      .happening = HAPPENS_FETCH, .from = from, .to = to, .block = block});
}

void wire_fetch_reply(struct net *net, uint32_t from, uint32_t to, struct net_block *block)
{
    transmit(net, (struct net_event){
                      .happening = HAPPENS_FETCH_REPLY, .from = from, .to = to, .block = block});
}

void wire_fetch_timer(struct net *net, struct net_node *node, uint32_t slot, uint64_t due_ms)
{
    push(net, (struct net_event){.time_ms = due_ms,
                                 .happening = HAPPENS_FETCH_DUE,
                                 .to = node->index,
                                 .life = node->life,
                                 .slot = slot});
}

void wire_restart_at(struct net *net, struct net_node *node, uint64_t due_ms)
{
    push(net, (struct net_event){.time_ms = due_ms,
                                 .happening = HAPPENS_RESTART,
                                 .to = node->index,
                                 .life = node->life});
}

static void inject_at(struct net *net, uint64_t time_ms, uint32_t index, const struct event *event)
{
    push(net, (struct net_event){.time_ms = time_ms,
                                 .happening = HAPPENS_EVENT,
                                 .to = index,
                                 .life = net->nodes[index].life,
                                 .event = *event});
}

void net_inject(struct net *net, uint32_t index, struct event *event)
{
    inject_at(net, net->now_ms + prng_below(&net->prng, 4), index, event);
}

static void links(struct net *net, uint32_t index, enum event_kind kind)
{
    for (uint32_t other = 0; other < net->node_count; other++) {
        if (net->nodes[other].self == net->nodes[index].self || !net->nodes[other].alive) {
            continue;
        }
        struct event event = {.kind = kind, .peer = index};
        inject_at(net, net->now_ms + delay(net), other, &event);
        if (net->nodes[index].alive) {
            event.peer = other;
            inject_at(net, net->now_ms + delay(net), index, &event);
        }
    }
}

void wire_links_up(struct net *net, uint32_t index)
{
    links(net, index, EVENT_PEER_UP);
}

void wire_links_down(struct net *net, uint32_t index)
{
    for (uint32_t other = 0; other < net->node_count; other++) {
        net->linked[index][other] = false;
        net->linked[other][index] = false;
    }
    links(net, index, EVENT_PEER_DOWN);
}

void wire_schedule_tick(struct net *net, struct net_node *node)
{
    const uint64_t deadline = consensus_next_deadline(node->consensus);
    if (deadline == UINT64_MAX) {
        node->tick_ms = UINT64_MAX;
        return;
    }
    uint64_t at = deadline > MONOTONIC_START_MS ? deadline - MONOTONIC_START_MS : 0;
    at = at < net->now_ms ? net->now_ms : at;
    if (at != node->tick_ms) {
        node->tick_ms = at;
        push(net,
             (struct net_event){
                 .time_ms = at, .happening = HAPPENS_TICK, .to = node->index, .life = node->life});
    }
}

/* Requests, answered from storage. */

static void reply_certificates(struct net *net, const struct net_node *node, uint32_t to,
                               const struct net_packet *request)
{
    uint32_t sent = 0;
    const struct net_list *list = &node->storage.certificates;
    for (uint32_t i = list->count; i > 0 && sent < REPLY_CERTIFICATES_MAX; i--) {
        const struct certificate *certificate = list->items[i - 1];
        if (certificate->view >= request->from_view && certificate->view <= request->to_view) {
            const struct effect effect = {.kind = EFFECT_SEND_CERTIFICATE,
                                          .certificate = certificate};
            net_send(net, node->index, to, &effect);
            sent++;
        }
    }
}

static void reply_blocks(struct net *net, const struct net_node *node, uint32_t to,
                         uint64_t from_height)
{
    for (uint64_t height = from_height;
         height <= node->storage.chain.count && height < from_height + REPLY_BLOCKS_MAX; height++) {
        const struct net_final *final = node->storage.chain.items[height - 1];
        struct net_packet *packet = packet_new(EFFECT_REQUEST_BLOCKS, 1);
        packet->is_catchup = true;
        packet->block = final->block->block;
        packet->certificates[0] = *final->finalization;
        transmit_packet(net, node->index, to, packet);
        packet_release(packet);
    }
}

static void deliver(struct net *net, struct net_node *node, uint32_t from,
                    const struct net_packet *packet)
{
    struct event event = {.peer = net->nodes[from].self};
    if (packet->is_catchup) {
        event.kind = EVENT_CATCHUP_BLOCK;
        event.catchup.block = packet->block;
        event.catchup.finalization = &packet->certificates[0];
    } else if (packet->kind == EFFECT_SEND_VOTE) {
        event.kind = EVENT_VOTE;
        event.vote = &packet->vote;
    } else if (packet->kind == EFFECT_SEND_CERTIFICATE) {
        event.kind = EVENT_CERTIFICATE;
        event.certificate = &packet->certificates[0];
    } else if (packet->kind == EFFECT_SEND_PROPOSAL) {
        event.kind = EVENT_PROPOSAL;
        event.proposal = &packet->proposal;
    } else if (packet->kind == EFFECT_SEND_STATUS) {
        event.kind = EVENT_STATUS;
        event.status = &packet->status;
    } else if (packet->kind == EFFECT_REQUEST_CERTIFICATES) {
        reply_certificates(net, node, from, packet);
        return;
    } else {
        reply_blocks(net, node, from, packet->from_height);
        return;
    }
    shell_step(net, node, &event);
}

/* Whether it concerns the node as it lives now. A message comes over the link that it was sent on,
   and a link ends with the process at its end: a rejoin counts on it (docs/consensus.md). */
static bool is_current(const struct net_event *event, const struct net_node *node)
{
    switch (event->happening) {
    case HAPPENS_FETCH:
    case HAPPENS_FETCH_REPLY:
        return node->alive;
    case HAPPENS_MESSAGE:
    case HAPPENS_EVENT:
    case HAPPENS_FETCH_DUE:
        return node->alive && event->life == node->life;
    case HAPPENS_TICK:
        return node->alive && event->life == node->life && event->time_ms == node->tick_ms;
    case HAPPENS_RESTART:
        return !node->alive && !node->stopped && event->life == node->life;
    }
    return false;
}

/* An event that is not a message; links are between machines, peers are validators. */
static void link_event(struct net *net, struct net_node *node, struct event *event)
{
    const uint32_t other = event->peer;
    if (event->kind == EVENT_PEER_UP && !net->nodes[other].alive) {
        return; /* it died before the link was up */
    }
    if (event->kind == EVENT_PEER_UP || event->kind == EVENT_PEER_DOWN) {
        event->peer = net->nodes[other].self;
    }
    if (event->kind == EVENT_PEER_UP) {
        net->linked[node->index][other] = true;
    }
    shell_step(net, node, event);
}

static void happen(struct net *net, struct net_event *event)
{
    struct net_node *node = &net->nodes[event->to];
    struct event tick = {.kind = EVENT_TICK};
    switch (event->happening) {
    case HAPPENS_MESSAGE:
        deliver(net, node, event->from, event->packet);
        break;
    case HAPPENS_EVENT:
        link_event(net, node, &event->event);
        break;
    case HAPPENS_TICK:
        node->tick_ms = UINT64_MAX;
        shell_step(net, node, &tick);
        break;
    case HAPPENS_RESTART:
        net_restart(net, event->to);
        break;
    case HAPPENS_FETCH_DUE:
        shell_fetch_due(net, node, event->slot);
        break;
    case HAPPENS_FETCH:
        shell_fetch_asked(net, event->to, event->from, event->block);
        break;
    case HAPPENS_FETCH_REPLY:
        shell_fetched(net, node, event->block);
        break;
    }
}

void net_run(struct net *net, uint64_t until_ms)
{
    while (net->heap_count > 0 && net->heap[0].time_ms <= until_ms && net->violation[0] == '\0') {
        struct net_event event = pop(net);
        net->now_ms = event.time_ms;
        if (is_current(&event, &net->nodes[event.to])) {
            happen(net, &event);
        }
        packet_release(event.packet);
    }
    if (net->violation[0] == '\0') {
        net->now_ms = until_ms;
    }
}

bool net_is_faulty(const struct net *net, const struct net_node *node)
{
    return (net->faulty >> node->self & 1) != 0;
}

uint64_t net_height(const struct net_node *node)
{
    return node->storage.chain.count;
}

uint64_t net_lowest_height(const struct net *net)
{
    uint64_t lowest = UINT64_MAX;
    for (uint32_t i = 0; i < net->node_count; i++) {
        if (!net_is_faulty(net, &net->nodes[i]) && !net->nodes[i].stopped &&
            net_height(&net->nodes[i]) < lowest) {
            lowest = net_height(&net->nodes[i]);
        }
    }
    return lowest;
}

bool net_run_to_height(struct net *net, uint64_t height, uint64_t until_ms)
{
    while (net->now_ms < until_ms && net->violation[0] == '\0' && net_lowest_height(net) < height) {
        net_run(net, net->now_ms + 50);
    }
    return net->violation[0] == '\0' && net_lowest_height(net) >= height;
}

void net_heal(struct net *net)
{
    net->chaos = false;
    memset(net->blocked, 0, sizeof net->blocked);
    net->crash_at = 0;
    for (uint32_t i = 0; i < net->node_count; i++) {
        net->nodes[i].crash_countdown = 0;
        if (!net->nodes[i].alive && !net->nodes[i].stopped) {
            net_restart(net, i);
        }
    }
}

void net_set_work(struct net *net, bool has_work)
{
    for (uint32_t i = 0; i < net->node_count; i++) {
        struct event event = {.kind = EVENT_WORK, .has_work = has_work};
        net->nodes[i].has_work = has_work;
        if (net->nodes[i].alive) {
            net_inject(net, i, &event);
        }
    }
}

struct net *net_new(const struct net_config *config)
{
    CHECK(config->count >= 1 && config->count <= NET_NODES_MAX);
    struct net *net = calloc(1, sizeof *net);
    CHECK(net != NULL);
    net->config = *config;
    net->prng = prng_seeded(config->seed);
    net->chain_id = hash_of(&PURPOSE_GENESIS, &config->seed, sizeof config->seed);
    net->set.epoch = 1;
    net->set.count = config->count;
    for (uint32_t i = 0; i < config->count; i++) {
        memset(net->set.members[i].key.bytes, (int)(i + 1), sizeof(struct public_key));
        net->set.members[i].participant = i + 1;
    }
    validators_seal(&net->set);
    net->chaos = true;
    net->faulty = config->twins | (config->byzantine == NET_NOBODY ? 0 : 1u << config->byzantine);
    net->node_count = config->count;
    for (uint32_t i = 0; i < config->count; i++) {
        net->nodes[i].self = i;
        if ((config->twins >> i & 1) != 0) {
            CHECK(net->node_count < NET_NODES_MAX);
            net->nodes[net->node_count++].self = i;
        }
    }
    for (uint32_t i = 0; i < net->node_count; i++) {
        struct net_node *node = &net->nodes[i];
        node->index = i;
        node->memory = aligned_alloc(16, (consensus_footprint(config->count) + 15) / 16 * 16);
        CHECK(node->memory != NULL);
        memset(node->memory, 0xa5, consensus_footprint(config->count)); /* it need not be zero */
        node->has_work = true;
        if (config->skew_max_ms > 0) {
            node->skew_ms = (int64_t)prng_below(&net->prng, 2 * config->skew_max_ms) -
                            (int64_t)config->skew_max_ms;
        }
    }
    for (uint32_t i = 0; i < net->node_count; i++) {
        net_restart(net, i);
    }
    return net;
}

void net_free(struct net *net)
{
    while (net->heap_count > 0) {
        packet_release(pop(net).packet);
    }
    for (uint32_t i = 0; i < net->owned.count; i++) {
        free(net->owned.items[i]);
    }
    shell_free(net);
    watch_free(net);
    free(net->owned.items);
    free(net->blocks.items);
    free(net->finals.items);
    free(net->heap);
    free(net);
}
