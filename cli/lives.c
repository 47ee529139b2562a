/* lives: `hefu exceptions` and `hefu disputes`: records that wait for another side, with how long
   they do (docs/ledger.md, Waiting and Disputes). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/home_proof.h"
#include "cli/output.h"
#include "cli/record_view.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ledger/rows.h"

#define HOUR_S 3600u
#define DAY_S 86400u

/* A stored life with its record. */
struct lived {
    struct place place;
    struct life_row life;
    struct record record;
    uint16_t verdict;
    uint32_t submitter;
    uint64_t filed_ms;
};

struct listing {
    struct home *home;
    struct output *output;
    uint32_t participant; /* number; 0: all */
    uint64_t now_ms;      /* the last block's time */
    bool ended;           /* also disputes that have ended */
    uint64_t count, hours, days;
};

typedef bool (*wanted_state)(const struct listing *listing, unsigned state);
typedef enum status (*print_lived)(struct listing *listing, const struct lived *lived);

static enum status read_lived(struct home *home, struct place place, struct lived *ret_lived)
{
    const struct block_row *block;
    ret_lived->place = place;
    if (home_record(home, place, &ret_lived->record, &ret_lived->verdict, &ret_lived->submitter) !=
            STATUS_OK ||
        !home_knows_record(home, &ret_lived->record) ||
        !home_knows_participant(home, ret_lived->submitter) ||
        chain_block(&home->chain, place.height, &block) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    ret_lived->filed_ms = block->header.timestamp_ms;
    return STATUS_OK;
}

static bool concerns(const struct lived *lived, uint32_t participant)
{
    return participant == 0 || lived->record.payer == participant ||
           lived->record.payee == participant || lived->submitter == participant;
}

static uint64_t seconds_since(const struct listing *listing, uint64_t time_ms)
{
    return listing->now_ms > time_ms ? (listing->now_ms - time_ms) / 1000 : 0;
}

static int list_lives(struct listing *listing, wanted_state wanted, print_lived print)
{
    uint8_t from[LIFE_KEY_BYTES + 1] = {0};
    size_t from_length = 0;
    struct span key, value;
    while (store_seek(listing->home->store, (enum store_table)TABLE_LIFE, from, from_length, &key,
                      &value)) {
        struct lived lived;
        if (key.length != LIFE_KEY_BYTES || life_decode(value, &lived.life) != STATUS_OK) {
            return home_failure(STATUS_CORRUPT, "a record's life");
        }
        memcpy(from, key.data, LIFE_KEY_BYTES);
        from_length = sizeof from;
        if (!wanted(listing, lived.life.state)) {
            continue;
        }
        struct place place = {get_be64(from), get_be32(from + 8)};
        enum status status = read_lived(listing->home, place, &lived);
        if (status == STATUS_OK && concerns(&lived, listing->participant)) {
            uint64_t age = seconds_since(listing, lived.filed_ms);
            listing->count++;
            listing->hours += age >= HOUR_S ? 1 : 0;
            listing->days += age >= DAY_S ? 1 : 0;
            status = print(listing, &lived);
        }
        if (status != STATUS_OK) {
            return home_failure(status, "a record at height %" PRIu64, place.height);
        }
    }
    return EXIT_CLEAN;
}

/* The columns that both verbs begin with. */
#define LIVED_COLUMNS                                                                              \
    {"state", COLUMN_TEXT}, {"age_s", COLUMN_NUMBER}, {"id", COLUMN_TEXT},                         \
        {"submitter", COLUMN_TEXT}, {"kind", COLUMN_TEXT}, {"scheme", COLUMN_TEXT},                \
        {"payer", COLUMN_TEXT}, {"payee", COLUMN_TEXT}, {"amount", COLUMN_AMOUNT},                 \
        {"currency", COLUMN_TEXT}, {"awaits", COLUMN_TEXT}, {"due", COLUMN_TEXT},                  \
        {"seconds_left", COLUMN_NUMBER},                                                           \
    {                                                                                              \
        "filed", COLUMN_TEXT                                                                       \
    }

static void print_lived_columns(struct listing *listing, const struct lived *lived,
                                const char *awaits)
{
    struct output *output = listing->output;
    const struct names *names = listing->home->names;
    const struct record *record = &lived->record;
    const uint64_t due = lived->life.due_ms;
    char id[ID_TEXT_BYTES];
    id_format(&record->id, id);
    output_text(output, life_state_name(lived->life.state));
    output_number(output, seconds_since(listing, lived->filed_ms));
    output_text(output, id);
    output_text(output, names_participant_name(names, lived->submitter));
    output_text(output, record_kind_name(record->kind));
    output_text(output, names_scheme_name(names, record->scheme));
    output_text(output, names_participant_name(names, record->payer));
    if (record->payee == 0) {
        output_empty(output);
    } else {
        output_text(output, names_participant_name(names, record->payee));
    }
    output_amount(output, (__int128)record->amount, names_exponent(names, record->currency));
    output_text(output, names_currency_code(names, record->currency));
    output_text(output, awaits);
    if (due == 0) {
        output_empty(output);
        output_empty(output);
    } else {
        output_time(output, due);
        output_number(output, due > listing->now_ms ? (due - listing->now_ms) / 1000 : 0);
    }
    output_time(output, lived->filed_ms);
}

/* ---- Exceptions ---- */

static bool is_exception(const struct listing *listing, unsigned state)
{
    (void)listing;
    return state == LIFE_WAITING || state == LIFE_EXCEPTION;
}

/* Whom a waiting record waits for. */
static const char *awaited_of(const struct lived *lived)
{
    const unsigned kind = lived->record.kind;
    if (kind == RECORD_PAY || kind == RECORD_REVERSE) {
        return "payee";
    }
    if (kind == RECORD_DEFUND || kind == RECORD_UNPLEDGE) {
        return kind == RECORD_DEFUND ? "agent" : "operator";
    }
    bool payer = (lived->life.heard & SIDE_PAYER) == 0;
    bool payee = (lived->life.heard & SIDE_PAYEE) == 0;
    return payer && payee ? "payer, payee" : payer ? "payer" : payee ? "payee" : "network";
}

/* Whose record it is, for one participant's reconciliation. */
static const char *whose(const struct listing *listing, const struct lived *lived)
{
    if (lived->life.state == LIFE_EXCEPTION) {
        return "DIFFERS";
    }
    if (listing->participant == 0) {
        return "ONE_SIDED";
    }
    return lived->submitter == listing->participant ? "OURS_ONLY" : "THEIRS_ONLY";
}

static enum status print_exception(struct listing *listing, const struct lived *lived)
{
    struct output *output = listing->output;
    char text[16], id[ID_TEXT_BYTES];
    output_text(output, whose(listing, lived));
    print_lived_columns(listing, lived, awaited_of(lived));
    if (lived->life.state != LIFE_EXCEPTION) {
        output_empty(output);
        output_empty(output);
        return STATUS_OK;
    }
    struct lived other;
    if (read_lived(listing->home, lived->life.parent, &other) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    /* The half that came second has the verdict that names the field. */
    uint16_t verdict =
        verdict_text(lived->verdict, text)[0] == 'E' ? lived->verdict : other.verdict;
    output_text(output, verdict_text(verdict, text));
    id_format(&other.record.id, id);
    output_text(output, id);
    return STATUS_OK;
}

/* ---- Disputes ---- */

static bool is_dispute(const struct listing *listing, unsigned state)
{
    return (state >= LIFE_CHARGED_BACK && state <= LIFE_IN_ARBITRATION) ||
           (listing->ended && (state == LIFE_STANDS || state == LIFE_DROPPED));
}

static enum status print_dispute(struct listing *listing, const struct lived *lived)
{
    static const struct {
        const char *awaits, *silence;
    } STAGES[] = {
        [LIFE_CHARGED_BACK] = {"payee", "STANDS"},
        [LIFE_REPRESENTED] = {"payer", "DROPPED"},
        [LIFE_PRE_ARBITRATED] = {"payee", "STANDS"},
        [LIFE_IN_ARBITRATION] = {"network", "STANDS"},
    };
    const unsigned state = lived->life.state;
    const bool ended = state >= LIFE_STANDS;
    struct lived original;
    char text[ID_TEXT_BYTES];
    print_lived_columns(listing, lived, ended ? "" : STAGES[state].awaits);
    output_text(listing->output, ended ? "" : STAGES[state].silence);
    if (read_lived(listing->home, lived->life.parent, &original) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    id_format(&original.record.id, text);
    output_text(listing->output, text);
    snprintf(text, sizeof text, "%.4s", (const char *)lived->record.reason);
    output_text(listing->output, text);
    return STATUS_OK;
}

/* ---- Both ---- */

static int run_listing(const struct args *args, const struct column *columns, unsigned count,
                       wanted_state wanted, print_lived print, const char *what)
{
    struct home home;
    struct listing listing = {.home = &home, .ended = args_flag(args, "all")};
    enum output_format format;
    const struct block_row *block;
    const char *participant = args_value(args, "participant");
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (participant != NULL) {
        code = home_find_participant(&home, participant, &listing.participant);
    }
    if (code == EXIT_CLEAN && chain_block(&home.chain, home.final.height, &block) != STATUS_OK) {
        code = home_failure(STATUS_CORRUPT, "the last block");
    }
    if (code == EXIT_CLEAN) {
        listing.now_ms = block->header.timestamp_ms;
        listing.output = output_list(stdout, format, columns, count);
        code = list_lives(&listing, wanted, print);
        output_end(listing.output);
        if (code == EXIT_CLEAN && format == OUTPUT_TABLE) {
            printf("%" PRIu64 " %s; %" PRIu64 " older than an hour, %" PRIu64
                   " older than a day.\n",
                   listing.count, what, listing.hours, listing.days);
        }
    }
    home_close(&home);
    return code;
}

static int run_exceptions(const struct args *args)
{
    static const struct column columns[] = {{"whose", COLUMN_TEXT},
                                            LIVED_COLUMNS,
                                            {"differs", COLUMN_TEXT},
                                            {"other_half", COLUMN_TEXT}};
    return run_listing(args, columns, sizeof columns / sizeof columns[0], is_exception,
                       print_exception, "waiting");
}

static int run_disputes(const struct args *args)
{
    static const struct column columns[] = {LIVED_COLUMNS,
                                            {"silence", COLUMN_TEXT},
                                            {"original", COLUMN_TEXT},
                                            {"reason", COLUMN_TEXT}};
    return run_listing(args, columns, sizeof columns / sizeof columns[0], is_dispute, print_dispute,
                       "disputes");
}

static const struct verb_option exception_options[] = {
    {"participant", "P", "only what concerns this participant; tells its own records from others'"},
    {NULL, NULL, NULL},
};

const struct verb verb_exceptions = {
    .name = "exceptions",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "records that wait for another side, and halves that differ",
    .description =
        "Lists what waits for an answer, oldest first: halves that the other side has not\n"
        "filed (with --participant: OURS_ONLY, THEIRS_ONLY), pairs of halves that differ, and\n"
        "payments, reversals and withdrawals to be confirmed. awaits says by whom; differs\n"
        "names the first field that does, other_half the other record. AFFIRM confirms one,\n"
        "REJECT ends it; after due it is EXPIRED.",
    .options = exception_options,
    .examples = "hefu exceptions --home NET/node-0\n"
                "hefu exceptions --participant harbour-bank --home NET/node-0 --format csv",
    .run = run_exceptions,
};

static const struct verb_option dispute_options[] = {
    {"participant", "P", "only those of this participant"},
    {"all", NULL, "also those that have ended (STANDS, DROPPED)"},
    {NULL, NULL, NULL},
};

const struct verb verb_disputes = {
    .name = "disputes",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "chargebacks, whose turn it is and until when",
    .description =
        "Lists disputes, oldest first, with their stage, who must answer until when (awaits,\n"
        "due), and what silence makes of them. original is the record in dispute.",
    .options = dispute_options,
    .examples = "hefu disputes --home NET/node-0\n"
                "hefu disputes --all --participant lotus-bank --home NET/node-0 --format json",
    .run = run_disputes,
};
