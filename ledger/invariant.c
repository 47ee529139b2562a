/*
 * invariant: conservation and signs, after every block (see invariant.h). That an account's pages
 * add up to its totals is found where they are made (page_build.c).
 */
#include "ledger/invariant.h"

#include "base/check.h"
#include "ledger/group.h"
#include "ledger/limit.h"

static uint32_t currency_of(const struct ledger *ledger, const struct account *account)
{
    uint32_t currency = number_map_find(&ledger->registry.currencies, account->currency);
    CHECK(currency != REGISTRY_NONE);
    return currency;
}

/* Adds what an account holds, or takes it away (sign -1). Modulo 2^128, which is exact for the sum.
 */
static void add_account(struct currency_sums *sums, const struct account *account, int sign)
{
    for (unsigned k = 0; k < ACCOUNT_TOTALS; k++) {
        unsigned __int128 total = account->totals[k].minor;
        sums->totals[k].minor += sign < 0 ? -total : total;
    }
    if (account->class == ACCOUNT_FUND || account->class == ACCOUNT_CLAIM) {
        sums->fund.minor += sign * account_balance(account).minor;
    }
}

static void sums_after(const struct ledger *ledger, struct currency_sums *ret_sums)
{
    if (ret_sums != ledger->sums) {
        memcpy(ret_sums, ledger->sums, sizeof ledger->sums);
    }
    for (uint32_t i = 0; i < ledger->touched_count; i++) {
        const struct account *before = &ledger->touched[i].before;
        struct currency_sums *sums = &ret_sums[currency_of(ledger, before)];
        add_account(sums, before, -1);
        add_account(sums, &ledger->accounts[before->number], 1);
    }
}

/* Debits = credits also says that CASH and all other balances add up to zero. */
static const char *check_sums(const struct ledger *ledger, const struct currency_sums *sums)
{
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        if (!total_equal(sums[i].totals[TOTAL_DEBITS_POSTED],
                         sums[i].totals[TOTAL_CREDITS_POSTED])) {
            return "posted debits and credits of a currency differ";
        }
        if (!total_equal(sums[i].totals[TOTAL_DEBITS_PENDING],
                         sums[i].totals[TOTAL_CREDITS_PENDING])) {
            return "pending debits and credits of a currency differ";
        }
        if (sums[i].fund.minor < 0) {
            return "FUND and all CLAIMs together are negative";
        }
    }
    return NULL;
}

/* POSITION = the sum of its unsettled nets; and the exposure is what the nets say. */
static const char *check_position(struct ledger *ledger, const struct account *account)
{
    uint32_t participant = number_map_find(&ledger->registry.participants, account->participant);
    uint32_t currency = currency_of(ledger, account);
    CHECK(participant != REGISTRY_NONE);
    __int128 nets = 0;
    for (uint32_t cycle = 0; cycle < ledger->cycles.count; cycle++) {
        if (cycle_is_unsettled(&ledger->cycles.rows[cycle]) &&
            ledger->cycles.currency[cycle] == currency) {
            const struct net *net = cycle_net(ledger, cycle, participant);
            nets += total_balance(net->credits, net->debits).minor;
        }
    }
    if (account_balance(account).minor != nets) {
        return "a POSITION is not the sum of its unsettled nets";
    }
    if (!total_equal(limit_exposure_recomputed(ledger, participant, currency),
                     *ledger_exposure(ledger, participant, currency))) {
        return "an exposure is not what the unsettled nets owe";
    }
    return group_is_consistent_for(ledger, participant, currency)
               ? NULL
               : "what a group owes is not the sum of its members";
}

static const char *check_account(struct ledger *ledger, const struct account *account)
{
    switch ((enum account_class)account->class) {
    case ACCOUNT_SETTLEMENT:
        return account_spendable(account).minor < 0 ? "a SETTLEMENT is overdrawn" : NULL;
    case ACCOUNT_POSITION:
        return check_position(ledger, account);
    case ACCOUNT_PAYOUT:
        return account_balance(account).minor < 0 ? "PAYOUT is overdrawn" : NULL;
    case ACCOUNT_FUND:
        return account_balance(account).minor < 0 ? "FUND is overdrawn" : NULL;
    case ACCOUNT_NETTING:
        return account_balance(account).minor != 0 ? "NETTING is not zero" : NULL;
    case ACCOUNT_COLLATERAL:
        return account_spendable(account).minor < 0 ? "a COLLATERAL is overdrawn" : NULL;
    case ACCOUNT_CLAIM:
        return account_balance(account).minor > 0 ? "a CLAIM is more than paid back" : NULL;
    case ACCOUNT_CASH:
        return NULL;
    }
    return "an account has an unknown class";
}

static const char *check_cycle(const struct ledger *ledger, uint32_t cycle)
{
    struct total debits = {0};
    struct total credits = {0};
    const struct net *nets = cycle_net(ledger, cycle, 0);
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        debits.minor += nets[i].debits.minor;
        credits.minor += nets[i].credits.minor;
    }
    if (!total_equal(debits, credits)) {
        return "the nets of a cycle do not sum to zero";
    }
    return total_equal(debits, ledger->cycles.rows[cycle].turnover)
               ? NULL
               : "a cycle's turnover is not the sum of its debits";
}

/* What is returned, captured and still reserved of a record stays within its amount. */
static const char *check_returns(const struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->lives.count; i++) {
        const struct touched_life *life = &ledger->lives.touched[i];
        if (life->row.returned > life->amount ||
            life->row.reserved_amount > life->amount - life->row.returned) {
            return "more is returned, captured or reserved than was posted or held";
        }
    }
    return NULL;
}

/* The block has changed the pending debits by what it changed in the reserves of lives. */
static const char *check_reserves(const struct ledger *ledger)
{
    __int128 reserved = 0;
    for (uint32_t i = 0; i < ledger->lives.count; i++) {
        const struct touched_life *life = &ledger->lives.touched[i];
        reserved += (__int128)life->row.reserved_amount + (__int128)life->row.reserved_fee -
                    (__int128)life->reserved_before;
    }
    unsigned __int128 pending = 0; /* modulo 2^128, which is exact for the sum */
    for (uint32_t i = 0; i < ledger->touched_count; i++) {
        const struct account *before = &ledger->touched[i].before;
        pending += ledger->accounts[before->number].totals[TOTAL_DEBITS_PENDING].minor -
                   before->totals[TOTAL_DEBITS_PENDING].minor;
    }
    return pending == (unsigned __int128)reserved ? NULL
                                                  : "pending debits are not what lives reserve";
}

/* ---- Queues: a payment stands in one as long as its life is QUEUED ---- */

static int compare_places(struct place a, struct place b)
{
    if (a.height != b.height) {
        return a.height < b.height ? -1 : 1;
    }
    return a.position < b.position ? -1 : a.position > b.position;
}

static struct place place_in(const struct queue_list *list, uint32_t at)
{
    return list->entries[list->by_place[at]].row.place;
}

static bool stands_in(const struct queue_list *list, struct place place)
{
    uint32_t low = 0;
    uint32_t high = list->count;
    /* Records of this block come after all of an unchanged queue: found without a search. */
    if (high == 0 || compare_places(place_in(list, high - 1), place) < 0) {
        return false;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_places(place_in(list, middle), place);
        if (order == 0) {
            return true;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return false;
}

static uint32_t queues_with(const struct ledger *ledger, struct place place)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        found += stands_in(ledger->queues.currencies[i].now, place);
    }
    return found;
}

static bool is_touched(const struct ledger *ledger, struct place place)
{
    uint8_t key[LIFE_KEY_BYTES];
    uint32_t slot;
    life_key(place, key);
    return index_find(&ledger->lives.index, key, &slot) != INDEX_NONE;
}

/* Whatever entered or left the queue in this block has a life that the block touched. */
static bool moves_are_lives(const struct ledger *ledger, const struct currency_queue *queue)
{
    uint32_t was = 0;
    uint32_t is = 0;
    while (was < queue->before->count || is < queue->now->count) {
        int order = was == queue->before->count ? 1
                    : is == queue->now->count
                        ? -1
                        : compare_places(place_in(queue->before, was), place_in(queue->now, is));
        if (order < 0 && !is_touched(ledger, place_in(queue->before, was))) {
            return false;
        }
        if (order > 0 && !is_touched(ledger, place_in(queue->now, is))) {
            return false;
        }
        was += order <= 0;
        is += order >= 0;
    }
    return true;
}

static const char *check_queues(const struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        const struct currency_queue *queue = &ledger->queues.currencies[i];
        if (queue->saved && !moves_are_lives(ledger, queue)) {
            return "a payment entered or left the queue, but not by its life";
        }
    }
    for (uint32_t i = 0; i < ledger->lives.count; i++) {
        const uint8_t *key = ledger->lives.rows + (size_t)i * LIFE_ROW_BYTES;
        struct place place = {.height = get_be64(key), .position = get_be32(key + 8)};
        bool queued = ledger->lives.touched[i].row.state == LIFE_QUEUED;
        if (queues_with(ledger, place) != (queued ? 1u : 0u)) {
            return queued ? "a QUEUED life has no place in a queue, or several"
                          : "a payment in the queue is not QUEUED";
        }
    }
    return NULL;
}

/* ---- Groups ---- */

_Static_assert(LIMIT_CURRENCIES <= 64, "a bit for each currency");

/* Whose sum this account counts in, if that is another's; else REGISTRY_NONE. */
static uint32_t sponsor_of(const struct ledger *ledger, const struct account *account)
{
    if (account->class != ACCOUNT_POSITION) {
        return REGISTRY_NONE;
    }
    uint32_t participant = number_map_find(&ledger->registry.participants, account->participant);
    CHECK(participant != REGISTRY_NONE);
    return ledger->registry.sponsors[participant];
}

/* A member's debts change its sponsor's sum, though the sponsor's account may be untouched. Each
   sum is added up once, however many of the members are touched. */
static const char *check_sponsors(struct ledger *ledger)
{
    struct difference *looked_at = ledger->cycles.sums; /* a bit for each currency */
    for (uint32_t i = 0; i < ledger->touched_count; i++) {
        uint32_t sponsor = sponsor_of(ledger, &ledger->touched[i].before);
        if (sponsor != REGISTRY_NONE) {
            looked_at[sponsor].minor = 0;
        }
    }
    for (uint32_t i = 0; i < ledger->touched_count; i++) {
        const struct account *account = &ledger->accounts[ledger->touched[i].before.number];
        uint32_t sponsor = sponsor_of(ledger, account);
        if (sponsor == REGISTRY_NONE) {
            continue;
        }
        uint32_t currency = currency_of(ledger, account);
        if ((looked_at[sponsor].minor >> currency & 1) == 0 &&
            !group_is_consistent_for(ledger, sponsor, currency)) {
            return "what a group owes is not the sum of its members";
        }
        looked_at[sponsor].minor |= (__int128)1 << currency;
    }
    return NULL;
}

const char *invariant_check(struct ledger *ledger)
{
    struct currency_sums sums[LIMIT_CURRENCIES];
    sums_after(ledger, sums);
    const char *what = check_sums(ledger, sums);
    for (uint32_t i = 0; i < ledger->touched_count && what == NULL; i++) {
        what = check_account(ledger, &ledger->accounts[ledger->touched[i].before.number]);
    }
    for (uint32_t i = 0; i < ledger->cycles.count && what == NULL; i++) {
        bool changed = ledger->cycles.touched[i] && ledger->cycles.rows[i].state != 0;
        what = changed ? check_cycle(ledger, i) : NULL;
    }
    if (what == NULL) {
        what = check_sponsors(ledger);
    }
    if (what == NULL) {
        what = check_returns(ledger);
    }
    if (what == NULL) {
        what = check_reserves(ledger);
    }
    return what != NULL ? what : check_queues(ledger);
}

void invariant_advance_sums(struct ledger *ledger)
{
    sums_after(ledger, ledger->sums);
}

const char *invariant_check_all(struct ledger *ledger)
{
    if (!group_is_consistent(ledger)) {
        return "what a group owes is not the sum of its members";
    }
    memset(ledger->sums, 0, sizeof ledger->sums);
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        const struct account *account = &ledger->accounts[i];
        add_account(&ledger->sums[currency_of(ledger, account)], account, 1);
    }
    cycle_recompute(ledger);
    const char *what = check_sums(ledger, ledger->sums);
    for (uint32_t i = 0; i < ledger->account_count && what == NULL; i++) {
        what = check_account(ledger, &ledger->accounts[i]);
    }
    for (uint32_t i = 0; i < ledger->cycles.count && what == NULL; i++) {
        what = ledger->cycles.rows[i].state != 0 ? check_cycle(ledger, i) : NULL;
    }
    return what;
}
