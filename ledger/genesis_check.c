/* genesis_check: whether the parts of a genesis fit together, with a sentence that says what does
   not and where (see genesis.h). Part by part in the order of the canonical bytes. */
#include <string.h>

#include "base/validator.h"
#include "ledger/genesis_check.h"

#define ROLES_ALL 255u
#define PERMISSIONS_ALL (PERMISSION_SUBMIT | PERMISSION_ACT)
#define INTERVAL_MS_MAX 3600000u
#define CURRENCY_EXPONENT_MAX 8
#define UTC_OFFSET_MINUTES_MAX (14 * 60)

static void say(const struct complaint *complaint, size_t *at, const char *text)
{
    for (; *text != 0 && *at + 1 < complaint->capacity; text++) {
        complaint->text[(*at)++] = *text;
    }
}

static void say_number(const struct complaint *complaint, size_t *at, uint64_t number)
{
    char digits[21];
    size_t first = sizeof digits - 1;
    digits[first] = 0;
    do {
        digits[--first] = (char)('0' + (int)(number % 10));
        number /= 10;
    } while (number > 0);
    say(complaint, at, digits + first);
}

bool genesis_complain(const struct complaint *complaint, size_t at, const char *sentence,
                      const uint64_t *numbers)
{
    for (char piece[2] = {0}; *sentence != 0; sentence++) {
        piece[0] = *sentence;
        if (piece[0] == '%') {
            say_number(complaint, &at, *numbers++);
        } else {
            say(complaint, &at, piece);
        }
    }
    if (complaint->capacity > 0) {
        complaint->text[at] = 0;
    }
    return false;
}

bool genesis_is_text(const char *field, size_t size, bool may_be_empty)
{
    size_t length = 0;
    while (length < size && field[length] != 0) {
        length++;
    }
    if (length == size || (length == 0 && !may_be_empty)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)field[i] < 0x20 || field[i] == 0x7f) {
            return false;
        }
    }
    return bytes_are_zero(field + length, size - length);
}

static bool check_count(const struct complaint *complaint, const char *what, uint32_t count,
                        uint32_t lowest, uint64_t highest)
{
    if (count < lowest || count > highest) {
        size_t at = 0;
        say(complaint, &at, what);
        say(complaint, &at, ": the number of them is ");
        say_number(complaint, &at, count);
        return genesis_complain(complaint, at, ", expected % to %",
                                (const uint64_t[]){lowest, highest});
    }
    return true;
}

static bool check_parameters(const struct genesis *genesis, const struct complaint *complaint)
{
    if (!genesis_is_text(genesis->network, sizeof genesis->network, false)) {
        return COMPLAIN(complaint, "network: expected a name of 1 to 31 printable bytes");
    }
    if (genesis->created_ms == 0) {
        return COMPLAIN(complaint, "created_ms: expected milliseconds since 1970, not 0");
    }
    if (genesis->utc_offset_minutes < -UTC_OFFSET_MINUTES_MAX ||
        genesis->utc_offset_minutes > UTC_OFFSET_MINUTES_MAX) {
        return COMPLAIN(complaint, "utc_offset_minutes: it is outside -840 to 840");
    }
    /* The root may be the genesis block: height 0, which leaves epoch 1 open. */
    bool has_root = !hash_is_zero(&genesis->root_chain_id) && !hash_is_zero(&genesis->root_hash) &&
                    genesis->root_epoch != 0;
    bool has_none = hash_is_zero(&genesis->root_chain_id) && hash_is_zero(&genesis->root_hash) &&
                    genesis->root_height == 0 && genesis->root_epoch == 0;
    if (genesis->incarnation == 0 ? !has_none : !has_root) {
        return COMPLAIN(
            complaint,
            genesis->incarnation == 0
                ? "root: incarnation % has none: chain id, hash, height and epoch are zero"
                : "root: incarnation % names the chain id, block and epoch it continues",
            genesis->incarnation);
    }
    if (genesis->delta_ms == 0 || genesis->delta_ms > INTERVAL_MS_MAX ||
        genesis->block_interval_ms > INTERVAL_MS_MAX || genesis->empty_interval_ms == 0 ||
        genesis->empty_interval_ms > INTERVAL_MS_MAX) {
        return COMPLAIN(complaint,
                        "delta_ms, block_interval_ms, empty_interval_ms: each at most "
                        "%, the first and last at least 1",
                        INTERVAL_MS_MAX);
    }
    if (genesis->block_records == 0 || genesis->block_records > LIMIT_BLOCK_RECORDS) {
        return COMPLAIN(complaint, "block_records: % is outside 1 to %", genesis->block_records,
                        LIMIT_BLOCK_RECORDS);
    }
    return true;
}

static bool check_counts(const struct genesis *genesis, const struct complaint *complaint)
{
    uint64_t limits_max = (uint64_t)genesis->participant_count * genesis->currency_count;
    if (!check_count(complaint, "currencies", genesis->currency_count, 1, LIMIT_CURRENCIES) ||
        !check_count(complaint, "participants", genesis->participant_count, 1,
                     LIMIT_PARTICIPANTS) ||
        !check_count(complaint, "limits", genesis->limit_count, 0, limits_max) ||
        !check_count(complaint, "services", genesis->service_count, 0, LIMIT_SERVICES) ||
        !check_count(complaint, "schemes", genesis->scheme_count, 0, LIMIT_SCHEMES) ||
        !check_count(complaint, "calendars", genesis->calendar_count, 0, LIMIT_CALENDARS) ||
        !check_count(complaint, "validators", genesis->validator_count, 1, LIMIT_VALIDATORS)) {
        return false;
    }
    if (genesis->participants_max < genesis->participant_count ||
        genesis->participants_max > LIMIT_PARTICIPANTS) {
        return COMPLAIN(complaint, "participants_max: % is outside % (registered now) to %",
                        genesis->participants_max, genesis->participant_count, LIMIT_PARTICIPANTS);
    }
    if (genesis->services_max < genesis->service_count || genesis->services_max > LIMIT_SERVICES) {
        return COMPLAIN(complaint, "services_max: % is outside % (registered now) to %",
                        genesis->services_max, genesis->service_count, LIMIT_SERVICES);
    }
    uint64_t accounts = 4ull * genesis->currency_count * (1ull + genesis->participants_max);
    if (accounts > LIMIT_ACCOUNTS) {
        return COMPLAIN(
            complaint, "participants_max: % in % currencies make % accounts, more than %",
            genesis->participants_max, genesis->currency_count, accounts, LIMIT_ACCOUNTS);
    }
    return true;
}

static bool check_currencies(const struct genesis *genesis, const struct complaint *complaint)
{
    uint32_t previous = 0;
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        const struct genesis_currency *currency = &genesis->currencies[i];
        if (currency->numeric <= previous || currency->numeric > 999) {
            return COMPLAIN(complaint,
                            "currencies[%]: number %; expected ISO 4217 numbers, ascending", i,
                            currency->numeric);
        }
        previous = currency->numeric;
        for (unsigned k = 0; k < 3; k++) {
            if (currency->code[k] < 'A' || currency->code[k] > 'Z') {
                return COMPLAIN(complaint, "currencies[%]: code is not three capital letters", i);
            }
        }
        if (currency->code[3] != 0 || currency->exponent > CURRENCY_EXPONENT_MAX) {
            return COMPLAIN(complaint, "currencies[%]: exponent is above %, or code too long", i,
                            CURRENCY_EXPONENT_MAX);
        }
    }
    return true;
}

static bool check_keys(const struct genesis_participant *participant,
                       const struct complaint *complaint)
{
    if (participant->key_count > LIMIT_PARTICIPANT_KEYS) {
        return COMPLAIN(complaint, "participant %: % keys, at most %", participant->number,
                        participant->key_count, LIMIT_PARTICIPANT_KEYS);
    }
    uint32_t previous = 0;
    for (uint32_t i = 0; i < participant->key_count; i++) {
        const struct participant_key *key = &participant->keys[i];
        if (key->key_no <= previous || key->key_no >= VALIDATOR_KEY_NO) {
            return COMPLAIN(complaint,
                            "participant %, keys[%]: key_no %; expected ascending "
                            "numbers from 1, below 2147483648",
                            participant->number, i, key->key_no);
        }
        previous = key->key_no;
        if (key->permissions == 0 || (key->permissions & ~(uint32_t)PERMISSIONS_ALL) != 0 ||
            bytes_are_zero(key->key.bytes, sizeof key->key.bytes)) {
            return COMPLAIN(complaint, "participant %, key %: needs a key and known permissions",
                            participant->number, key->key_no);
        }
    }
    return true;
}

static bool check_sponsor(const struct genesis *genesis,
                          const struct genesis_participant *participant,
                          const struct complaint *complaint)
{
    if (participant->settles_through == 0) {
        return true;
    }
    const struct genesis_participant *sponsor =
        genesis_participant(genesis, participant->settles_through);
    if (sponsor == NULL || sponsor == participant || sponsor->settles_through != 0) {
        return COMPLAIN(complaint,
                        "participant %: settles_through %; expected another participant that has "
                        "no sponsor itself",
                        participant->number, participant->settles_through);
    }
    return true;
}

static bool check_participants(const struct genesis *genesis, const struct complaint *complaint)
{
    uint32_t previous = 0;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        const struct genesis_participant *participant = &genesis->participants[i];
        if (participant->number <= previous) {
            return COMPLAIN(complaint,
                            "participants[%]: number %; expected ascending numbers from 1", i,
                            participant->number);
        }
        previous = participant->number;
        if (participant->roles == 0 || (participant->roles & ~ROLES_ALL) != 0) {
            return COMPLAIN(complaint, "participant %: no role, or an unknown one",
                            participant->number);
        }
        if (!genesis_is_text(participant->name, sizeof participant->name, false) ||
            !genesis_is_text(participant->bic, sizeof participant->bic, true) ||
            !genesis_is_text(participant->clearing_code, sizeof participant->clearing_code, true)) {
            return COMPLAIN(complaint,
                            "participant %: name, bic or clearing_code is not text "
                            "that fits, or the name is empty",
                            participant->number);
        }
        if (participant->status != STANDING_ACTIVE) {
            return COMPLAIN(complaint, "participant %: status %; in genesis everyone is active",
                            participant->number, participant->status);
        }
        if (!check_sponsor(genesis, participant, complaint) ||
            !check_keys(participant, complaint)) {
            return false;
        }
    }
    return true;
}

static bool check_limits(const struct genesis *genesis, const struct complaint *complaint)
{
    uint64_t previous = 0;
    for (uint32_t i = 0; i < genesis->limit_count; i++) {
        const struct genesis_limit *limit = &genesis->limits[i];
        uint64_t order = (uint64_t)limit->participant << 16 | limit->currency;
        if (order <= previous) {
            return COMPLAIN(complaint, "limits[%]: expected ascending by participant and currency",
                            i);
        }
        previous = order;
        if (genesis_participant(genesis, limit->participant) == NULL ||
            genesis_currency(genesis, limit->currency) == NULL) {
            return COMPLAIN(complaint, "limits[%]: participant % or currency % is not declared", i,
                            limit->participant, limit->currency);
        }
        if ((limit->flags & ~LIMIT_COVERED) != 0) {
            return COMPLAIN(complaint, "limits[%]: unknown flags %", i, limit->flags);
        }
    }
    return true;
}

static bool check_validators(const struct genesis *genesis, const struct complaint *complaint)
{
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const struct genesis_validator *own = &genesis->validators[i];
        /* A later incarnation's stand in the state at its root, where its root block looks. */
        if (own->participant == 0 ||
            (genesis->incarnation == 0 && genesis_participant(genesis, own->participant) == NULL)) {
            return COMPLAIN(complaint, "validators[%]: participant % is not declared", i,
                            own->participant);
        }
        if (own->reserved != 0 || bytes_are_zero(own->key.bytes, sizeof own->key.bytes) ||
            bytes_are_zero(own->transport_key.bytes, sizeof own->transport_key.bytes) ||
            !genesis_is_text(own->name, sizeof own->name, true)) {
            return COMPLAIN(complaint, "validators[%]: needs both keys and a printable name", i);
        }
        for (uint32_t k = 0; k < i; k++) {
            const struct genesis_validator *other = &genesis->validators[k];
            if (memcmp(&other->key, &own->key, sizeof own->key) == 0 ||
                memcmp(&other->transport_key, &own->transport_key, sizeof own->transport_key) ==
                    0) {
                return COMPLAIN(complaint, "validators[%]: a key of validators[%] again", i, k);
            }
            if (other->participant == own->participant &&
                validator_key_no(&other->key) == validator_key_no(&own->key)) {
                return COMPLAIN(complaint,
                                "validators[%]: its key begins with the same four bytes as that "
                                "of validators[%]; make another key",
                                i, k);
            }
        }
    }
    return true;
}

enum status genesis_check(const struct genesis *genesis, char *ret_error, size_t capacity)
{
    struct complaint complaint = {.text = ret_error, .capacity = capacity};
    bool fits = check_parameters(genesis, &complaint) && check_counts(genesis, &complaint) &&
                genesis_check_policies(&genesis->parameters, &complaint) &&
                check_currencies(genesis, &complaint) && check_participants(genesis, &complaint) &&
                check_limits(genesis, &complaint) && genesis_check_calendars(genesis, &complaint) &&
                genesis_check_services(genesis, &complaint) &&
                genesis_check_schemes(genesis, &complaint) && check_validators(genesis, &complaint);
    return fits ? STATUS_OK : STATUS_MALFORMED;
}
