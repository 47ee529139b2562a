/*
 * offset: which queued payments can settle together though none can alone (docs/ledger.md, Queue;
 * Bech and Soramaki 2001).
 *
 * Take all. While somebody would end below its floor, drop its last payment in queue order. What
 * others would have only falls by that, so the order of dropping does not matter, and what is left
 * is the largest set that respects each payer's order. Each payment is dropped at most once, and
 * each drop looks at its three sides: the work is linear in the queue.
 */
#include "base/check.h"
#include "ledger/limit.h"
#include "ledger/queue.h"
#include "ledger/state.h"

#define CHOSEN 1u

/* What the payment does to each side, signed. */
struct flow {
    uint32_t participant;
    __int128 amount;
};

#define FLOW_SIDES 3u

static void flows_of(const struct queued *queued, struct flow ret_flows[FLOW_SIDES])
{
    const struct queue_row *row = &queued->row;
    ret_flows[0] =
        (struct flow){queued->payer, (__int128)row->interchange - row->amount - row->payer_fee};
    ret_flows[1] =
        (struct flow){queued->payee, (__int128)row->amount - row->interchange - row->payee_fee};
    ret_flows[2] = (struct flow){queued->network, (__int128)row->payer_fee + row->payee_fee};
}

static struct difference *position_of(struct ledger *ledger, uint32_t participant)
{
    return &ledger->queues.position[participant];
}

/* What a participant could spend above what must stay. */
static __int128 room_of(struct ledger *ledger, uint32_t currency, uint32_t participant)
{
    struct difference spendable =
        account_spendable(ledger_account(ledger, participant, currency, ACCOUNT_SETTLEMENT));
    return spendable.minor - limit_floor(ledger, participant, currency).minor;
}

static void add_flows(struct ledger *ledger, const struct queued *queued, int sign)
{
    struct flow flows[FLOW_SIDES];
    flows_of(queued, flows);
    for (unsigned i = 0; i < FLOW_SIDES; i++) {
        if (flows[i].participant != REGISTRY_NONE) {
            position_of(ledger, flows[i].participant)->minor += sign * flows[i].amount;
        }
    }
}

/* Everything in the queue but what suspended payers owe; last_of names each payer's last payment
   and previous_of those before it. */
static uint32_t choose_all(struct ledger *ledger, uint32_t currency, uint8_t *flags)
{
    struct queues *queues = &ledger->queues;
    const struct queue_list *list = queues->currencies[currency].now;
    uint32_t chosen = 0;
    /* Once for each payer: a sponsor's floor is a sum over its group. */
    for (uint32_t rank = 0; rank < list->count; rank++) {
        uint32_t payer = queue_at(list, rank)->payer;
        if (queues->last_of[payer] == 0) {
            queues->last_of[payer] = 1;
            position_of(ledger, payer)->minor = room_of(ledger, currency, payer);
        }
    }
    for (uint32_t rank = 0; rank < list->count; rank++) {
        queues->last_of[queue_at(list, rank)->payer] = 0;
    }
    for (uint32_t rank = 0; rank < list->count; rank++) {
        const struct queued *queued = queue_at(list, rank);
        flags[rank] = 0;
        if (!registry_is_suspended(&ledger->registry, queued->payer)) {
            flags[rank] = CHOSEN;
            queues->previous_of[rank] = queues->last_of[queued->payer];
            queues->last_of[queued->payer] = rank + 1;
            add_flows(ledger, queued, 1);
            chosen++;
        }
    }
    return chosen;
}

static void stack_if_short(struct ledger *ledger, uint32_t *depth, uint32_t participant)
{
    struct queues *queues = &ledger->queues;
    if (participant != REGISTRY_NONE && queues->last_of[participant] != 0 &&
        !queues->stacked[participant] && position_of(ledger, participant)->minor < 0) {
        queues->stacked[participant] = true;
        queues->stack[(*depth)++] = participant;
    }
}

/* Drops a participant's last payments until it is not short or has none left. Returns how many. */
static uint32_t drop_last(struct ledger *ledger, const struct queue_list *list,
                          uint32_t participant, uint32_t *depth, uint8_t *flags)
{
    struct queues *queues = &ledger->queues;
    uint32_t dropped = 0;
    while (position_of(ledger, participant)->minor < 0 && queues->last_of[participant] != 0) {
        uint32_t rank = queues->last_of[participant] - 1;
        const struct queued *queued = queue_at(list, rank);
        flags[rank] = 0;
        queues->last_of[participant] = queues->previous_of[rank];
        add_flows(ledger, queued, -1);
        stack_if_short(ledger, depth, queued->payee);
        stack_if_short(ledger, depth, queued->network);
        dropped++;
    }
    return dropped;
}

uint32_t offset_choose(struct ledger *ledger, uint32_t currency, uint8_t *ret_flags)
{
    struct queues *queues = &ledger->queues;
    const struct queue_list *list = queues->currencies[currency].now;
    uint32_t chosen = choose_all(ledger, currency, ret_flags);
    uint32_t depth = 0;
    for (uint32_t rank = 0; rank < list->count; rank++) {
        stack_if_short(ledger, &depth, queue_at(list, rank)->payer);
    }
    while (depth > 0) {
        uint32_t participant = queues->stack[--depth];
        queues->stacked[participant] = false;
        chosen -= drop_last(ledger, list, participant, &depth, ret_flags);
    }
    for (uint32_t rank = 0; rank < list->count; rank++) {
        queues->last_of[queue_at(list, rank)->payer] = 0;
    }
    return chosen;
}
