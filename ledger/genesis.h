/*
 * genesis: the agreed start of a network: parameters, currencies, participants, services, schemes,
 * limits, validators. chain_id = H("hefu.genesis", canonical bytes), so two nodes with different
 * files are on different chains. The shell parses genesis.json into this (node/genesis_file.h).
 */
#ifndef HEFU_LEDGER_GENESIS_H
#define HEFU_LEDGER_GENESIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/keys.h"
#include "base/limits.h"
#include "base/status.h"

enum role {
    ROLE_BANK = 1,
    ROLE_FINTECH = 2,
    ROLE_NETWORK = 4, /* a card network: takes network fees, rules on disputes */
    ROLE_AGENT = 8,   /* the settlement bank */
    ROLE_OPERATOR = 16,
    ROLE_AUDITOR = 32,
    ROLE_INSURER =
        64, /* insurers and funds are ordinary payers and payees, told apart in reports */
    ROLE_FUND = 128,
};

enum permission { PERMISSION_SUBMIT = 1, PERMISSION_ACT = 2 };

struct genesis_currency {
    uint16_t numeric; /* ISO 4217 */
    uint8_t exponent; /* decimals of the minor unit */
    char code[4];
};

struct participant_key {
    uint32_t key_no; /* from 1; never reused */
    uint32_t permissions;
    struct public_key key;
};

enum standing { STANDING_ACTIVE = 1, STANDING_SUSPENDED = 2 };

struct genesis_participant {
    uint32_t number; /* from 1 */
    uint32_t roles;
    char name[64];                      /* UTF-8, zero-padded */
    char bic[12];                       /* ISO 9362 or empty */
    char clearing_code[16];             /* CNAPS code or empty */
    struct transport_key transport_key; /* its clients' channel key; zero: none */
    uint32_t settles_through;           /* its sponsor, which has none itself; 0: none */
    uint32_t status;                    /* enum standing; in genesis active */
    uint32_t key_count;
    struct participant_key keys[LIMIT_PARTICIPANT_KEYS];
};

struct genesis_limit {
    uint32_t participant;
    uint16_t currency;
    uint16_t flags; /* LIMIT_COVERED */
    uint64_t cap;   /* minor units: greatest exposure */
};
#define LIMIT_COVERED 1u /* exposure must also be covered by SETTLEMENT + COLLATERAL */

enum service_mode { SERVICE_DEFERRED = 1, SERVICE_GROSS = 2 };
enum service_settlement { SETTLEMENT_PREFUNDED = 1, SETTLEMENT_EXTERNAL = 2 };

struct genesis_service {
    uint16_t number; /* from 1 */
    uint16_t currency;
    uint16_t mode;
    uint16_t settlement;
    char name[32];
    uint32_t funding_window_s;
    uint32_t cutoff_count;
    uint16_t cutoffs[16]; /* minutes after midnight in the network's time zone, ascending */
    uint16_t calendar;    /* 0: every day is a business day */
    uint16_t
        settlement_days;    /* 0: the first business day from the cut-off's on; n: the n-th after */
    uint16_t settle_minute; /* of the settlement day, if that is not the cut-off's own */
    uint16_t flags;         /* enum service_flag */
};

enum service_flag { SERVICE_BUSINESS_DAYS = 1 }; /* cut-offs on business days only */

/* Which days are business days: workdays are, whatever else; then not the weekend, not holidays. */
struct genesis_calendar {
    uint16_t number;  /* from 1 */
    uint16_t weekend; /* bit 0 Monday ... bit 6 Sunday */
    uint32_t holiday_count;
    uint32_t workday_count;
    uint32_t holidays[LIMIT_CALENDAR_DAYS]; /* yyyymmdd, ascending */
    uint32_t workdays[LIMIT_CALENDAR_DAYS];
    char name[32];
};

enum side { SIDE_PAYER = 1, SIDE_PAYEE = 2, SIDE_NETWORK = 4 };

enum scheme_flag {
    SCHEME_FEES_BINDING = 1, /* fees must be what the rules say (FEE_DIFFERS) */
    SCHEME_FEE_MANDATE = 2,  /* the network may file FEE */
};

enum fee_which { FEE_INTERCHANGE = 1, FEE_PAYER = 2, FEE_PAYEE = 3 };
enum fee_rounding { ROUND_HALF_UP = 1, ROUND_HALF_EVEN = 2, ROUND_DOWN = 3, ROUND_UP = 4 };

/* docs/ledger.md, Fees: the first rule that fits decides. */
struct fee_rule {
    uint32_t from_date; /* yyyymmdd, business date */
    uint32_t to_date;   /* inclusive; 0: no end */
    uint16_t mcc_from;
    uint16_t mcc_to;
    uint16_t which;    /* enum fee_which */
    uint16_t rounding; /* enum fee_rounding */
    int32_t rate_ppm;  /* parts per million of the amount; its sign is the fee's */
    uint32_t reserved;
    uint64_t minimum;
    uint64_t cap; /* 0: none */
};

struct genesis_scheme {
    uint16_t number; /* from 1 */
    uint16_t service;
    uint16_t submitters;    /* mask of enum side that may file */
    uint16_t confirmations; /* how many sides must confirm: 1 rests on a mandate */
    uint32_t network;       /* participant with ROLE_NETWORK, or 0: no network side, no fees */
    uint32_t hold_timeout_s;
    uint32_t match_timeout_s;
    char name[32];
    uint32_t flags;           /* enum scheme_flag */
    uint32_t chargeback_s;    /* after posting; 0: no disputes */
    uint32_t represent_s;     /* 0: a chargeback stands at once */
    uint32_t pre_arbitrate_s; /* 0: a representment ends the dispute */
    uint32_t answer_s;        /* to a pre-arbitration; not 0 if there is one; 0: no deadline */
    uint32_t rule_s;          /* 0: the network has no deadline */
    uint32_t fee_rule_count;
    struct fee_rule fee_rules[LIMIT_FEE_RULES];
};

/* Who decides about actions of a kind (docs/ledger.md, Actions). */
struct action_policy {
    uint16_t kind;      /* 5 to 12 */
    uint16_t approvals; /* distinct keys in all, the proposer's included */
    uint32_t proposers; /* roles, any of them */
    uint32_t approvers;
    uint32_t lapse_s;
};

#define POLICY_KIND_FIRST 5u
#define POLICY_COUNT 8u

/* What an action of kind PARAMETERS may change. */
struct parameters {
    uint32_t queue_max;      /* payments in a currency's queue */
    uint32_t queue_quota;    /* of one payer among them */
    uint32_t fund_share_ppm; /* of the fund's money, that one cycle's default may use */
    uint32_t reserved;
    struct action_policy policies[POLICY_COUNT]; /* of kinds 5 to 12, in that order */
};

struct genesis_validator {
    uint32_t participant;
    uint32_t reserved;
    struct public_key key;
    struct transport_key transport_key;
    char name[32];
};

struct genesis {
    char network[32];
    uint64_t created_ms;
    uint32_t incarnation; /* 0 for the first */
    int32_t utc_offset_minutes;
    struct hash root_chain_id; /* of the incarnation this one continues, else zero */
    struct hash root_hash;
    uint64_t root_height;
    uint64_t
        root_epoch; /* that the root leaves open, so that the first one with votes is the next */
    uint32_t delta_ms, block_interval_ms, empty_interval_ms;
    uint32_t block_records;    /* at most LIMIT_BLOCK_RECORDS */
    uint32_t participants_max; /* registered ones included: sizes memory, so it never changes */
    uint32_t services_max;
    struct parameters parameters;
    uint32_t currency_count, participant_count, limit_count, service_count, scheme_count,
        calendar_count, validator_count;
    struct genesis_currency *currencies;
    struct genesis_participant *participants; /* ascending by number */
    struct genesis_limit *limits;
    struct genesis_service *services;
    struct genesis_scheme *schemes;
    struct genesis_calendar *calendars;
    struct genesis_validator *validators;
};

/* Whether the parts fit together (numbers unique and ascending, references resolve, ranges). OK or
   MALFORMED; ret_error (capacity bytes) then says what and where, for people. */
enum status genesis_check(const struct genesis *genesis, char *ret_error, size_t capacity) MUST_USE;

/* After genesis_check: whether no key stands in two places, since one key stands for one person
   (docs/ledger.md, Actions). As genesis_check; scratch, aligned to 8, has genesis_keys_scratch
   bytes. */
enum status genesis_check_keys(const struct genesis *genesis, void *scratch, char *ret_error,
                               size_t capacity) MUST_USE;
size_t genesis_keys_scratch(const struct genesis *genesis);
/* For each participant's transport key or signing key, whichever are more. */
#define GENESIS_KEY_PLACE_BYTES 32u

/* The canonical bytes (docs/formats.md, Genesis). The size is genesis_encoded_size. */
size_t genesis_encoded_size(const struct genesis *genesis);
void genesis_encode(const struct genesis *genesis, struct writer *writer);
/* H("hefu.genesis", canonical bytes); scratch has room for genesis_encoded_size bytes. */
struct hash genesis_chain_id(const struct genesis *genesis, void *scratch, size_t scratch_size);

/* The canonical bytes of one row, as they stand inside genesis and in the store (docs/formats.md).
 */
void genesis_encode_participant(const struct genesis_participant *participant,
                                struct writer *writer);
void genesis_encode_limit(const struct genesis_limit *limit, struct writer *writer);
void genesis_encode_service(const struct genesis_service *service, struct writer *writer);
void genesis_encode_scheme(const struct genesis_scheme *scheme, struct writer *writer);
void genesis_encode_calendar(const struct genesis_calendar *calendar, struct writer *writer);
void genesis_encode_parameters(const struct parameters *parameters, struct writer *writer);

/* Accounts that the genesis state has: four a currency for the hub and for each participant. */
uint64_t genesis_account_count(const struct genesis *genesis);

/* What a network has that says nothing else (docs/integrating.md, participants.json): two distinct
   keys behind every action, three where it is about services, schemes or parameters, seven days. */
struct parameters genesis_default_parameters(void);

/* The row of that number, or NULL. The participant is found by binary search, the rest by scan. */
const struct genesis_currency *genesis_currency(const struct genesis *genesis, uint32_t numeric);
const struct genesis_participant *genesis_participant(const struct genesis *genesis,
                                                      uint32_t number);
const struct genesis_service *genesis_service(const struct genesis *genesis, uint32_t number);
const struct genesis_scheme *genesis_scheme(const struct genesis *genesis, uint32_t number);
const struct genesis_calendar *genesis_calendar(const struct genesis *genesis, uint32_t number);

#endif
