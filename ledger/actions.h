/*
 * actions: how an action goes from a proposal to its effect (docs/ledger.md, Actions).
 *
 *                    enough approvals              every new member READY
 *   (none) ─► PROPOSED ───────────► APPROVED ──────────────────────────► DONE
 *                │  refused, withdrawn  │ likewise          (kinds without READY: at once)
 *                ├──────► REFUSED ◄─────┤
 *                ├──────► LAPSED  ◄─────┤ its time is over
 *                └────► OVERTAKEN ◄─────┘ another change of validators took effect
 *
 * A bad action gets a verdict; it never makes a block invalid. At most one VALIDATORS action is
 * APPROVED at a time, and it takes effect at the end of its block, which is then terminal.
 */
#ifndef HEFU_LEDGER_ACTIONS_H
#define HEFU_LEDGER_ACTIONS_H

#include "ledger/state.h"

/* Who proposes and who approves a kind: fixed for VALIDATORS, a parameter for the others. */
struct action_rule {
    bool by_validators; /* quorum: proposer and approvers own q validators of the current set */
    uint32_t proposers; /* mask of enum role; with by_validators also every owner of a validator */
    uint32_t approvers; /* mask of enum role; with by_validators the owners of validators instead */
    uint32_t keys;      /* distinct keys that must stand behind it, the maker's included */
    uint64_t lapse_ms;
};

/* false for the kinds that are answers, not proposals. */
bool actions_policy(const struct ledger *ledger, unsigned kind, struct action_rule *ret_policy);
bool actions_may_propose(const struct ledger *ledger, const struct action_rule *policy,
                         uint32_t participant);
bool actions_may_answer(const struct ledger *ledger, const struct action_rule *policy,
                        uint32_t participant);
/* Whether the approvals are enough, and whether so many refused that they never can be. */
bool actions_enough(const struct ledger *ledger, const struct action_rule *policy,
                    const struct action_row *row);
bool actions_hopeless(const struct ledger *ledger, const struct action_rule *policy,
                      const struct action_row *row);

/* At the start of a block: nothing is changed yet; then open actions whose time is over lapse. */
void actions_begin(struct ledger *ledger);
/* One batch of kind action or evidence; its verdict is set. */
void actions_execute(struct ledger *ledger, uint32_t batch_index);
void actions_execute_evidence(struct ledger *ledger, uint32_t batch_index);
/* Step 3 of a block: what actions of kinds 5 to 12 approved in it change, in the order of approval.
 */
void actions_run_effects(struct ledger *ledger);
/* After all batches: an approved change whose new members are all ready takes effect; in a root
   block the document's validators do. */
void actions_finish(struct ledger *ledger);
/* The block is final. */
void actions_commit(struct ledger *ledger);

/* The approved change of validators in a book, decoded; NULL if there is none. */
const struct action_row *actions_approved_change(const struct ledger *ledger,
                                                 const struct action_book *book,
                                                 struct action *ret_action);
/* The committed candidate with that participant and key number. */
bool actions_candidate_key(const struct ledger *ledger, uint32_t participant, uint32_t key_no,
                           struct public_key *ret_key);

/* Loading: takes up a row that is still open; ended ones are history. CORRUPT if it does not fit.
 */
enum status actions_load(struct ledger *ledger, struct span key, struct span value) MUST_USE;
/* Sorts what was taken up; NULL, or what is wrong. */
const char *actions_load_done(struct ledger *ledger);

/* Rows and digests of what the block did to actions, evidence and validators. */
void actions_emit(struct ledger *ledger);
/* Digest of what is resident and still open, of that book and roster. */
void actions_digest_open(const struct ledger *ledger, const struct action_book *book,
                         const struct roster *roster, struct hash *ret_digest);
/* Epoch 1's row and the digests of genesis. */
void actions_emit_genesis(struct ledger *ledger);

#endif
