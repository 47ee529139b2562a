/* touch: changes of accounts and nets, saved and logged (see touch.h). */
#include "ledger/touch.h"

#include <string.h>

#include "base/check.h"
#include "ledger/group.h"

/* Every change of a total passes here, forwards and back. */
static void change_total(struct ledger *ledger, uint32_t account, uint8_t total, int64_t delta)
{
    struct total *changed = &ledger->accounts[account].totals[total];
    const struct total before = *changed;
    total_change(changed, delta);
    if (total == TOTAL_DEBITS_PENDING) {
        group_change_pending(ledger, account, before, *changed);
    }
}

static struct touched_account *save_account(struct ledger *ledger, uint32_t number)
{
    struct account_mark *mark = &ledger->account_marks[number];
    if (mark->generation == ledger->generation) {
        return &ledger->touched[mark->touched];
    }
    CHECK(ledger->touched_count < ledger->limits.accounts);
    mark->generation = ledger->generation;
    mark->touched = ledger->touched_count++;
    struct touched_account *touched = &ledger->touched[mark->touched];
    touched->before = ledger->accounts[number];
    touched->entries = 0;
    touched->placed = 0;
    touched->pages = NULL;
    return touched;
}

void touch_account(struct ledger *ledger, uint32_t account, enum account_total total, int64_t delta,
                   struct entry_origin origin)
{
    CHECK(account < ledger->account_count && ledger->entry_count < ledger->limits.entries);
    save_account(ledger, account)->entries++;
    change_total(ledger, account, (uint8_t)total, delta);
    ledger->entries[ledger->entry_count++] = (struct logged_entry){
        .account = account,
        .entry = {.index = origin.position,
                  .leg = origin.leg,
                  .total = (uint8_t)total,
                  .flags = origin.event ? PAGE_ENTRY_EVENT : 0,
                  .delta = delta},
    };
}

struct account *touch_limit(struct ledger *ledger, uint32_t account)
{
    CHECK(account < ledger->account_count);
    (void)save_account(ledger, account);
    return &ledger->accounts[account];
}

struct logged_entry touch_account_undo_last(struct ledger *ledger)
{
    CHECK(ledger->entry_count > 0);
    struct logged_entry logged = ledger->entries[--ledger->entry_count];
    struct account_mark mark = ledger->account_marks[logged.account];
    CHECK(mark.generation == ledger->generation);
    ledger->touched[mark.touched].entries--;
    change_total(ledger, logged.account, logged.entry.total, -logged.entry.delta);
    return logged;
}

static void save_net(struct ledger *ledger, uint32_t net, uint32_t exposure)
{
    if (ledger->cycles.net_marks[net] == ledger->generation) {
        return;
    }
    CHECK(ledger->cycles.touched_net_count < ledger->limits.nets);
    ledger->cycles.net_marks[net] = ledger->generation;
    ledger->cycles.touched_nets[ledger->cycles.touched_net_count++] =
        (struct touched_net){.before = ledger->cycles.nets[net],
                             .exposure_before = ledger->cycles.exposures[exposure],
                             .net = net,
                             .exposure = exposure};
}

void touch_net(struct ledger *ledger, uint32_t cycle, uint32_t participant, bool is_debit,
               uint64_t amount, bool undo)
{
    CHECK(cycle < ledger->cycles.count);
    uint32_t at = cycle * ledger->cycles.stride + participant;
    uint32_t exposure_at = participant * ledger->currency_count + ledger->cycles.currency[cycle];
    save_net(ledger, at, exposure_at);
    struct net *net = &ledger->cycles.nets[at];
    struct total *exposure = &ledger->cycles.exposures[exposure_at];
    const struct total before = *exposure;
    struct total owed = total_owed(net->credits, net->debits);
    CHECK(exposure->minor >= owed.minor);
    exposure->minor -= owed.minor;
    struct total *side = is_debit ? &net->debits : &net->credits;
    if (undo) {
        total_subtract(side, amount);
    } else {
        total_add(side, amount);
    }
    exposure->minor += total_owed(net->credits, net->debits).minor;
    group_change(ledger, participant, ledger->cycles.currency[cycle], before, *exposure);
}

void touch_restore(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->touched_count; i++) {
        const struct account *before = &ledger->touched[i].before;
        group_change_pending(ledger, before->number,
                             ledger->accounts[before->number].totals[TOTAL_DEBITS_PENDING],
                             before->totals[TOTAL_DEBITS_PENDING]);
        ledger->accounts[before->number] = *before;
    }
    cycle_restore(ledger);
    memcpy(ledger->sums, ledger->sums_before, sizeof ledger->sums);
    ledger->state = ledger->state_before;
}
