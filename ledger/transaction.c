/* transaction: new transactions and their match keys (see engine.h). */
#include "base/check.h"
#include "ledger/engine.h"
#include "ledger/fees.h"
#include "ledger/posting.h"
#include "ledger/reference.h"

void engine_post(struct ledger *ledger, const struct plan *plan, struct posted_record *ret_posted)
{
    ret_posted->entry_mark = ledger->entry_count;
    ret_posted->cycle = plan->cycle;
    ret_posted->turnover = posting_turnover(plan);
    posting_apply(ledger, plan);
}

enum verdict engine_transaction(struct ledger *ledger, const struct filing *filing,
                                struct posted_record *ret_posted)
{
    struct reference reference;
    enum verdict verdict = reference_check(ledger, filing, &reference);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    struct plan plan = posting_plan(filing);
    verdict = posting_check(ledger, &plan);
    if (verdict == VERDICT_POSTED) {
        verdict = fees_check(filing, &reference);
    }
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    engine_post(ledger, &plan, ret_posted);
    reference_apply(ledger, filing, &reference, ret_posted);
    return VERDICT_POSTED;
}

enum verdict engine_return(struct ledger *ledger, const struct filing *filing,
                           struct posted_record *ret_posted)
{
    return engine_transaction(ledger, filing, ret_posted);
}
