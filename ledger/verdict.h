/*
 * verdict: what the ledger decided about a record: a stable number, a name, and a sentence for
 * people (docs/ledger.md, Verdicts). A rejection is data inside a final block, not an error.
 *
 * The checks run in the order of the numbers and the first that fails decides, except that
 * SOURCE_EXISTS concerns the whole batch and is found before any of its records is looked at, and
 * that an id of zero names nothing, so it is never found to exist.
 */
#ifndef HEFU_LEDGER_VERDICT_H
#define HEFU_LEDGER_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

/* X(number, name, sentence). Numbers are stable: never reuse or renumber one. */
#define VERDICT_TABLE(X)                                                                           \
    X(0, POSTED, "the record is posted")                                                           \
    X(10, EXISTS, "this id was used before for the same record: ask for the original by its id")   \
    X(11, EXISTS_DIFFERENT, "this id was used before for another record: use a new id")            \
    X(12, SOURCE_EXISTS, "this part of the source file was submitted before, in another batch")    \
    X(100, ID_ZERO, "the id is zero")                                                              \
    X(101, KIND_UNKNOWN, "there is no kind with this number")                                      \
    X(102, KIND_NOT_OPEN, "this kind is not open on this network yet")                             \
    X(103, RESERVED_NOT_ZERO, "the reserved bytes are not zero")                                   \
    X(104, FLAGS, "a flag is set that this kind does not have")                                    \
    X(105, QUEUE_NOT_OPEN, "queued payments are not open on this network yet")                     \
    X(106, LINKED_OPEN, "the last record of the batch is linked to a next one")                    \
    X(107, AMOUNT_MISSING, "the amount is zero")                                                   \
    X(108, AMOUNT_TOO_LARGE, "the amount is not below 10^18 minor units")                          \
    X(109, FEE_TOO_LARGE, "a fee is not below 10^18 minor units in size")                          \
    X(110, FEE_NOT_ZERO, "this kind has no fees")                                                  \
    X(111, PAYER_MISSING, "the payer is missing")                                                  \
    X(112, PAYER_NOT_ZERO, "this kind has no payer")                                               \
    X(113, PAYEE_MISSING, "the payee is missing")                                                  \
    X(114, SAME_SIDES, "payer and payee are the same participant")                                 \
    X(115, SCHEME_MISSING, "the scheme is missing")                                                \
    X(116, SCHEME_NOT_ZERO, "this kind has no scheme")                                             \
    X(117, REF_MISSING, "the record acted on is not named")                                        \
    X(118, REF_NOT_ZERO, "this kind acts on no other record")                                      \
    X(119, MATCH_KEY_MISSING, "the match key, here the external reference, is missing")            \
    X(120, BUSINESS_DATE, "the business date is not a date of the form yyyymmdd")                  \
    X(121, TIMEOUT_NOT_ZERO, "this kind has no timeout")                                           \
    X(122, MCC, "the merchant category is not a four-digit code, or has no place in this kind")    \
    X(123, REASON, "the reason is not printable ASCII padded with zeroes")                         \
    X(124, PRIORITY_NOT_ZERO, "a priority is only for queued payments")                            \
    X(150, ACTION_FORM, "the bytes do not have the form of their version and kind")                \
    X(151, CHANGE_EMPTY, "the change of validators changes nothing")                               \
    X(152, VALIDATOR_KEY_MISSING, "a new validator lacks its consensus or its transport key")      \
    X(153, VALIDATOR_NAME, "a new validator's name is missing or is not text that fits")           \
    X(154, EVIDENCE_NO_CONFLICT, "one honest validator may have cast both votes")                  \
    X(200, SCHEME_UNKNOWN, "there is no scheme with this number")                                  \
    X(201, SCHEME_KIND, "the scheme's service does not carry this kind")                           \
    X(202, SCHEME_NOT_OPEN, "schemes with two confirmations are not open on this network yet")     \
    X(203, CURRENCY_UNKNOWN, "the network does not have this currency")                            \
    X(204, CURRENCY_DIFFERS, "the currency is not that of the scheme's service")                   \
    X(205, PAYER_UNKNOWN, "there is no participant with the payer's number")                       \
    X(206, PAYEE_UNKNOWN, "there is no participant with the payee's number")                       \
    X(207, NOT_A_SIDE, "the submitter is neither payer, payee nor the scheme's network")           \
    X(208, SIDE_NOT_PERMITTED, "the submitter's side may not file this kind in this scheme")       \
    X(209, NOT_AGENT, "only the settlement agent may file this kind")                              \
    X(210, NO_NETWORK, "there is a network fee, but the scheme has no network")                    \
    X(220, ACTION_KEY, "a validator's own key signs READY, and nothing else signs it")             \
    X(221, NOT_PROPOSER, "this participant may not propose this kind of action")                   \
    X(222, NOT_APPROVER, "this participant has no say in this action")                             \
    X(223, VALIDATOR_PARTICIPANT, "a new validator's participant does not exist")                  \
    X(224, NOT_CANDIDATE, "this key is not a new member of that approved change")                  \
    X(300, LINKED_FAILED, "another record of the same chain failed, so none of it is posted")      \
    X(301, REF_NOT_FOUND, "the record acted on does not exist")                                    \
    X(302, REF_NOT_POSTED, "the record acted on is not posted")                                    \
    X(303, REF_KIND, "a record of that kind cannot be refunded")                                   \
    X(304, REF_DIFFERS,                                                                            \
      "sides, scheme, currency or match key are not those of the record acted on")                 \
    X(305, EXCEEDS_REMAINING, "more would be returned than was posted")                            \
    X(306, DUPLICATE_KEY, "this match key already names a posted transaction")                     \
    X(320, ACTION_NOT_FOUND, "there is no action with this id")                                    \
    X(321, ACTION_ENDED, "the action has ended: it took effect, was refused, lapsed or overtaken") \
    X(322, ANSWERED_BEFORE, "this key or its participant has given this answer before")            \
    X(323, ACTIONS_FULL, "the network has as many open actions as it may have")                    \
    X(324, ACTIONS_FULL_OWN, "the participant has as many open actions as it may have")            \
    X(325, EPOCH_DIFFERS, "the validators have changed since: this is for another epoch")          \
    X(326, CHANGE_UNDER_WAY, "another change of validators is approved and waits for its members") \
    X(327, VALIDATOR_UNKNOWN, "no validator has the key that is to be removed or replaced")        \
    X(328, VALIDATOR_EXISTS, "a new validator's key is one that a validator has already")          \
    X(329, VALIDATOR_TWICE, "the change names a validator twice")                                  \
    X(350, VALIDATOR_KEY_NUMBER, "two validators of a participant would have one key number")      \
    X(351, VALIDATORS_TOO_FEW,                                                                     \
      "too few validators would be left: four or more stay at least four")                         \
    X(352, VALIDATORS_TOO_MANY, "there would be more validators than a network may have")          \
    X(353, EVIDENCE_EPOCH, "the votes are of an epoch that has not begun")                         \
    X(400, INSUFFICIENT_FUNDS, "there is not enough money on the settlement account")              \
    X(401, CAP, "the exposure would pass the participant's cap")                                   \
    X(402, COVER, "the exposure would not be covered by settlement money and collateral")          \
    X(403, FLOOR, "the money is there, but must stay to cover what the participant owes")          \
    X(404, FEE_NOT_MANDATED, "the fees would take money from a side that the filer cannot charge")

/* Numbers that later kinds will use; no record gets one of them yet. */
#define VERDICT_TABLE_LATER(X)                                                                     \
    X(1, PENDING, "the record waits for a confirmation or a later record")                         \
    X(2, QUEUED, "the payment waits in the queue")                                                 \
    X(3, MATCHED, "both halves agree and are posted")                                              \
    X(4, CONFIRMED, "a further side confirmed the transaction")

#define VERDICT_ENUM(number, name, sentence) VERDICT_##name = (number),
enum verdict { VERDICT_TABLE(VERDICT_ENUM) VERDICT_TABLE_LATER(VERDICT_ENUM) };
#undef VERDICT_ENUM

/* "POSTED" ..., or NULL for a number outside both tables. Static storage. */
const char *verdict_name(unsigned number);
/* The sentence for people, or NULL likewise. */
const char *verdict_sentence(unsigned number);
/* The number of a name, or -1. */
int verdict_of_name(const char *name);
/* Whether the record took effect or still may (numbers below 10). */
bool verdict_is_accepted(unsigned number);
/* The defined verdicts in ascending order, without those for later: at-th number, or -1 past the
   last. For lists and for the tests, which reach every one. */
int verdict_at(unsigned at);

#endif
