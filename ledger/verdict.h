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
    X(1, PENDING, "the record waits for a confirmation or a later record")                         \
    X(2, QUEUED, "the payment waits in the queue")                                                 \
    X(3, MATCHED, "both halves agree and are posted")                                              \
    X(4, CONFIRMED, "a further side confirmed the transaction")                                    \
    X(10, EXISTS, "this id was used before for the same record: ask for the original by its id")   \
    X(11, EXISTS_DIFFERENT, "this id was used before for another record: use a new id")            \
    X(12, SOURCE_EXISTS, "this part of the source file was submitted before, in another batch")    \
    X(20, EXCEPTION_PAYER, "the other half names another payer")                                   \
    X(21, EXCEPTION_PAYEE, "the other half names another payee")                                   \
    X(22, EXCEPTION_AMOUNT, "the other half has another amount")                                   \
    X(23, EXCEPTION_INTERCHANGE, "the other half has another interchange")                         \
    X(24, EXCEPTION_PAYER_FEE, "the other half has another payer_fee")                             \
    X(25, EXCEPTION_PAYEE_FEE, "the other half has another payee_fee")                             \
    X(26, EXCEPTION_BUSINESS_DATE, "the other half has another business date")                     \
    X(100, ID_ZERO, "the id is zero")                                                              \
    X(101, KIND_UNKNOWN, "there is no kind with this number")                                      \
    X(103, RESERVED_NOT_ZERO, "the reserved bytes are not zero")                                   \
    X(104, FLAGS, "a flag is set that this kind does not have")                                    \
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
    X(130, AMOUNT_NOT_ZERO, "this kind has no amount of its own")                                  \
    X(131, PAYEE_NOT_ZERO, "this kind has no payee")                                               \
    X(132, MATCH_KEY_NOT_ZERO, "this kind has no match key")                                       \
    X(133, PRIORITY_UNKNOWN, "a priority is 0 normal, 1 high or 2 urgent")                         \
    X(150, ACTION_FORM, "the bytes do not have the form of their version and kind")                \
    X(151, CHANGE_EMPTY, "the change of validators changes nothing")                               \
    X(152, VALIDATOR_KEY_MISSING, "a new validator lacks its consensus or its transport key")      \
    X(153, VALIDATOR_NAME, "a new validator's name is missing or is not text that fits")           \
    X(154, EVIDENCE_NO_CONFLICT, "one honest validator may have cast both votes")                  \
    X(200, SCHEME_UNKNOWN, "there is no scheme with this number")                                  \
    X(201, SCHEME_KIND, "the scheme's service does not carry this kind")                           \
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
    X(230, SUSPENDED, "the submitter or the payer is suspended, so it begins nothing new")         \
    X(231, NO_DISPUTES, "the scheme has no disputes")                                              \
    X(232, TIMEOUT_TOO_LONG, "the timeout is longer than the scheme's")                            \
    X(233, QUEUE_NOT_IN_SCHEME, "a scheme that needs the payee's confirmation has no queue")       \
    X(260, NUMBER_NOT_NEXT,                                                                        \
      "a new number must be above all others, and there must be room for it")                      \
    X(261, NOT_REGISTERED, "it names a participant, currency, cycle or key that there is not")     \
    X(262, FIXED_FIELD, "it changes what never changes: see docs/ledger.md, Actions")              \
    X(263, OUT_OF_RANGE, "what would result does not fit together, or a value has no meaning")     \
    X(300, LINKED_FAILED, "another record of the same chain failed, so none of it is posted")      \
    X(301, REF_NOT_FOUND, "the record acted on does not exist")                                    \
    X(302, REF_NOT_POSTED, "the record acted on is not posted")                                    \
    X(303, REF_KIND, "this kind does not act on a record of that kind")                            \
    X(304, REF_DIFFERS,                                                                            \
      "sides, scheme, currency or match key are not those of the record acted on")                 \
    X(305, EXCEEDS_REMAINING, "more would be returned or captured than there is left")             \
    X(306, DUPLICATE_KEY, "this match key already names a transaction")                            \
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
    X(330, KEY_OF_OTHERS, "this match key names a transaction of other participants")              \
    X(331, KEY_IN_EXCEPTION, "two halves under this match key differ; this one equals neither")    \
    X(332, KEY_DIFFERS, "another content is posted, or waits, under this match key")               \
    X(333, KEY_ENDED, "the transaction under this match key has ended: use a new key")             \
    X(334, NOT_PENDING, "the record acted on waits for nothing")                                   \
    X(335, ENDED, "the record acted on has ended")                                                 \
    X(336, EXPIRED, "the time of the record acted on is past")                                     \
    X(337, ALREADY_RETURNED, "something of it was returned, so it cannot be reversed")             \
    X(338, ALREADY_DISPUTED, "it was disputed before")                                             \
    X(339, WRONG_STAGE, "the dispute is at another stage")                                         \
    X(340, TOO_LATE, "the time for this step of the dispute is past")                              \
    X(341, ALREADY_HEARD, "the submitter's side has confirmed it already")                         \
    X(342, NOT_AWAITED, "the record acted on does not wait for the submitter")                     \
    X(350, VALIDATOR_KEY_NUMBER, "two validators of a participant would have one key number")      \
    X(351, VALIDATORS_TOO_FEW,                                                                     \
      "too few validators would be left: four or more stay at least four")                         \
    X(352, VALIDATORS_TOO_MANY, "there would be more validators than a network may have")          \
    X(353, EVIDENCE_EPOCH, "the votes are of an epoch that has not begun")                         \
    X(360, CYCLE_STATE, "the cycle is not in the state that this needs, or its nets are others")   \
    X(400, INSUFFICIENT_FUNDS, "there is not enough money on the settlement account")              \
    X(401, CAP, "the exposure would pass the participant's cap")                                   \
    X(402, COVER, "the exposure would not be covered by settlement money and collateral")          \
    X(403, FLOOR, "the money is there, but must stay to cover what the participant owes")          \
    X(404, FEE_NOT_MANDATED, "the fees would take money from a side that the filer cannot charge") \
    X(405, FEE_DIFFERS, "a fee is not what the scheme's rules say")                                \
    X(410, SPONSOR_CAP, "the exposure of the sponsor's group would pass the sponsor's cap")        \
    X(411, SPONSOR_COVER, "the sponsor's cover would not cover its group's exposure")              \
    X(412, QUEUED_BEFORE, "an earlier payment of this payer waits in the queue")                   \
    X(413, QUEUE_FULL, "the queue of this currency is full")                                       \
    X(414, QUEUE_QUOTA, "the payer has as many payments in the queue as it may")                   \
    X(500, CYCLE_CLOSED, "its cycle is closed: refund it instead")

#define VERDICT_ENUM(number, name, sentence) VERDICT_##name = (number),
enum verdict { VERDICT_TABLE(VERDICT_ENUM) };
#undef VERDICT_ENUM

/* "POSTED" ..., or NULL for a number outside the table. Static storage. */
const char *verdict_name(unsigned number);
/* The sentence for people, or NULL likewise. */
const char *verdict_sentence(unsigned number);
/* The number of a name, or -1. */
int verdict_of_name(const char *name);
/* Whether the record took effect or still may (0 to 4 and the exceptions, 20 to 26). */
bool verdict_is_accepted(unsigned number);
/* The defined verdicts in ascending order: the at-th number, or -1 past the last. For lists and for
   the tests, which reach every one. */
int verdict_at(unsigned at);

#endif
