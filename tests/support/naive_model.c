/* naive_model: see naive_model.h. The frames are described in tests/model/serve.py. */
#include "tests/support/naive_model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "ledger/page.h"
#include "ledger/registry.h"

#define TEXT_MAX (64u << 20)

struct naive_model {
    FILE *to;
    FILE *from;
    pid_t pid;
    char *text;   /* what the ledger gave */
    char *answer; /* what the model gave */
    size_t length;
};

struct naive_model *naive_model_start(void)
{
    struct naive_model *model = calloc(1, sizeof *model);
    int in[2], out[2];
    CHECK(model != NULL && pipe(in) == 0 && pipe(out) == 0);
    model->pid = fork();
    CHECK(model->pid >= 0);
    if (model->pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(in[1]);
        (void)close(out[0]);
        (void)execlp("python3", "python3", HEFU_SOURCE_DIR "/tests/model/serve.py", (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    model->to = fdopen(in[1], "wb");
    model->from = fdopen(out[0], "rb");
    model->text = malloc(TEXT_MAX);
    model->answer = malloc(TEXT_MAX);
    CHECK(model->to != NULL && model->from != NULL);
    CHECK(model->text != NULL && model->answer != NULL);
    return model;
}

void naive_model_stop(struct naive_model *model)
{
    (void)fclose(model->to);
    (void)fclose(model->from);
    int status = 0;
    CHECK(waitpid(model->pid, &status, 0) == model->pid);
    free(model->text);
    free(model->answer);
    free(model);
}

static void send(struct naive_model *model, const void *data, size_t length)
{
    CHECK(fwrite(data, 1, length, model->to) == length);
}

static void send_u32(struct naive_model *model, uint32_t value)
{
    uint8_t bytes[4];
    put_le32(bytes, value);
    send(model, bytes, sizeof bytes);
}

void naive_model_genesis(struct naive_model *model, const struct genesis *genesis)
{
    size_t size = genesis_encoded_size(genesis);
    uint8_t *bytes = malloc(size);
    CHECK(bytes != NULL);
    struct writer writer = writer_over(bytes, size);
    genesis_encode(genesis, &writer);
    send(model, "G", 1);
    send_u32(model, (uint32_t)size);
    send(model, bytes, size);
    free(bytes);
}

static void send_batch(struct naive_model *model, const struct ledger_fixture *f, uint32_t at)
{
    const struct fixture_batch *part = &f->parts[at];
    const struct batch_header *header = &part->header;
    CHECK(header->kind == BATCH_RECORDS || header->kind == BATCH_ACTION);
    send_u32(model, header->participant);
    send_u32(model, header->key_no);
    send_u32(model, header->kind);
    send(model, &f->batches[at].id, sizeof f->batches[at].id);
    send(model, &header->source_hash, sizeof header->source_hash);
    send_u32(model, header->part);
    if (header->kind == BATCH_ACTION) {
        send_u32(model, (uint32_t)part->body_length);
        send(model, part->body, part->body_length);
    } else {
        send_u32(model, header->count);
        send(model, part->records, header->count * sizeof(struct record));
    }
}

static void send_block(struct naive_model *model, const struct ledger_fixture *f)
{
    uint8_t time[8];
    put_le64(time, f->block.timestamp_ms);
    send(model, "B", 1);
    send(model, time, sizeof time);
    send_u32(model, f->block.batch_count);
    for (uint32_t i = 0; i < f->block.batch_count; i++) {
        send_batch(model, f, i);
    }
    CHECK(fflush(model->to) == 0);
}

static void receive(struct naive_model *model)
{
    uint8_t bytes[4];
    if (fread(bytes, 1, sizeof bytes, model->from) != sizeof bytes) {
        (void)fprintf(stderr, "the naive model ended\n");
        CHECK(false);
    }
    uint32_t length = get_le32(bytes);
    CHECK(length < TEXT_MAX);
    CHECK(fread(model->answer, 1, length, model->from) == length);
    model->answer[length] = 0;
}

__attribute__((format(printf, 2, 3))) static void say(struct naive_model *model, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(&model->text[model->length], TEXT_MAX - model->length, format, arguments);
    va_end(arguments);
    CHECK(length >= 0 && model->length + (size_t)length < TEXT_MAX);
    model->length += (size_t)length;
}

static void say_bytes(struct naive_model *model, const uint8_t *data, size_t length)
{
    static const char DIGITS[] = "0123456789abcdef";
    CHECK(model->length + 2 * length + 2 < TEXT_MAX);
    for (size_t i = 0; i < length; i++) {
        model->text[model->length++] = DIGITS[data[i] >> 4];
        model->text[model->length++] = DIGITS[data[i] & 15];
    }
}

static int by_key(const void *a, const void *b)
{
    const struct ledger_write *one = *(const struct ledger_write *const *)a;
    const struct ledger_write *other = *(const struct ledger_write *const *)b;
    return memcmp(one->key, other->key, one->key_length);
}

/* The row stands in the store as it is written again. */
static bool is_unchanged(const struct ledger_fixture *f, const struct ledger_write *write)
{
    struct span old = ledger_store_get(f->store, write->table, write->key, write->key_length);
    return old.data != NULL && old.length == write->value_length &&
           memcmp(old.data, write->value, old.length) == 0;
}

/* In the order of the writes; of tables that are digested whole what changed, in that of the keys.
 */
static void say_rows(struct naive_model *model, const struct ledger_fixture *f,
                     enum ledger_table table)
{
    const struct ledger_outcome *outcome = f->outcome;
    bool whole = table == TABLE_CYCLES || table == TABLE_CYCLE_NETS;
    const struct ledger_write **rows = malloc((outcome->write_count + 1) * sizeof(void *));
    CHECK(rows != NULL);
    size_t count = 0;
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        if (outcome->writes[i].table == table && !(whole && is_unchanged(f, &outcome->writes[i]))) {
            rows[count++] = &outcome->writes[i];
        }
    }
    if (whole) {
        qsort(rows, count, sizeof(void *), by_key);
    }
    for (size_t i = 0; i < count; i++) {
        say(model, "row %u ", (unsigned)table);
        say_bytes(model, rows[i]->key, rows[i]->key_length);
        say(model, " ");
        say_bytes(model, rows[i]->value, rows[i]->remove ? 0 : rows[i]->value_length);
        say(model, "\n");
    }
    free(rows);
}

static void say_entries(struct naive_model *model, const struct ledger_outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        struct page page;
        if (write->table != TABLE_PAGES) {
            continue;
        }
        CHECK(page_parse((struct span){write->value, write->value_length}, &page) == STATUS_OK);
        for (unsigned at = 0; at < page.head.count; at++) {
            struct page_entry e = page_entry_at(&page, at);
            say(model, "entry %u %u %u %u %u %" PRId64 "\n", page.head.account, e.index, e.leg,
                e.total, e.flags, e.delta);
        }
    }
}

static void say_total(struct naive_model *model, struct total total)
{
    static const uint64_t PART = 1000000000000000000u;
    if (total.minor < PART) {
        say(model, " %" PRIu64, (uint64_t)total.minor);
    } else {
        say(model, " %" PRIu64 "%018" PRIu64, (uint64_t)(total.minor / PART),
            (uint64_t)(total.minor % PART));
    }
}

static void say_accounts(struct naive_model *model, const struct ledger_fixture *f)
{
    for (uint32_t i = 0; i < f->ledger->account_count; i++) {
        const struct account *account = &f->ledger->accounts[i];
        bool any = account->limit != 0 || account->flags != 0;
        for (unsigned at = 0; at < ACCOUNT_TOTALS; at++) {
            any = any || account->totals[at].minor != 0;
        }
        if (!any) {
            continue;
        }
        say(model, "account %u", i);
        for (unsigned at = 0; at < ACCOUNT_TOTALS; at++) {
            say_total(model, account->totals[at]);
        }
        say(model, " %" PRIu64 " %u\n", account->limit, account->flags);
    }
}

static const enum ledger_table COMPARED[] = {
    TABLE_IDS,        TABLE_LIFE,     TABLE_SOURCES,      TABLE_PARTICIPANTS,
    TABLE_LIMITS,     TABLE_SERVICES, TABLE_SCHEMES,      TABLE_CYCLES,
    TABLE_CYCLE_NETS, TABLE_EVENTS,   TABLE_TRANSACTIONS, TABLE_ACTIONS,
    TABLE_EXPIRY,     TABLE_QUEUE,    TABLE_CALENDARS,    TABLE_PARAMETERS};

/* Of all tables but the validators, which never change here, and the digest of open actions. */
static void say_digests(struct naive_model *model, const struct ledger_fixture *f)
{
    for (unsigned slot = 1; slot < STATE_SLOTS; slot++) {
        bool compared = slot == STATE_SLOT_OPEN;
        for (size_t i = 0; i < sizeof COMPARED / sizeof COMPARED[0]; i++) {
            compared = compared || (COMPARED[i] == slot && slot != TABLE_EVENTS);
        }
        if (compared) {
            say(model, "digest %u ", slot);
            say_bytes(model, f->ledger->state.digests[slot].bytes, HASH_BYTES);
            say(model, "\n");
        }
    }
}

static void say_block(struct naive_model *model, const struct ledger_fixture *f)
{
    model->length = 0;
    for (uint32_t i = 0; i < f->block.batch_count; i++) {
        for (uint32_t at = 0; at < f->parts[i].header.count; at++) {
            say(model, "verdict %u %u %u\n", i, at, fixture_verdict(f, i, at));
        }
    }
    for (size_t i = 0; i < sizeof COMPARED / sizeof COMPARED[0]; i++) {
        say_rows(model, f, COMPARED[i]);
    }
    say_entries(model, f->outcome);
    say_accounts(model, f);
    say_digests(model, f);
}

/* The line that stands at a place of a text. */
static void show(const char *who, const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n') {
        at--;
    }
    (void)fprintf(stderr, "  %s: %.*s\n", who, (int)strcspn(&text[at], "\n"), &text[at]);
}

static void show_record(const struct ledger_fixture *f, const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n') {
        at--;
    }
    unsigned batch = 0;
    unsigned index = 0;
    if (sscanf(&text[at], "verdict %u %u", &batch, &index) != 2) {
        return;
    }
    if (f->parts[batch].header.kind != BATCH_RECORDS) {
        (void)fprintf(stderr, "  by %u with key %u: action of kind %u, %zu bytes:",
                      f->parts[batch].header.participant, f->parts[batch].header.key_no,
                      f->parts[batch].body[2], f->parts[batch].body_length);
        for (size_t i = 0; i < f->parts[batch].body_length; i++) {
            (void)fprintf(stderr, "%s%02x", i % 4 == 0 ? " " : "", f->parts[batch].body[i]);
        }
        (void)fprintf(stderr, "\n");
        return;
    }
    const struct record *r = &f->parts[batch].records[index];
    (void)fprintf(stderr,
                  "  by %u: %s %" PRIu64 " payer %u payee %u scheme %u currency %u flags %u"
                  " priority %u timeout %u fees %" PRId64 " %" PRId64 " %" PRId64 " ref %u %u\n",
                  f->parts[batch].header.participant,
                  record_kind_name(r->kind) == NULL ? "?" : record_kind_name(r->kind), r->amount,
                  r->payer, r->payee, r->scheme, r->currency, r->flags, r->priority, r->timeout_s,
                  r->interchange, r->payer_fee, r->payee_fee, r->ref_participant,
                  (unsigned)r->ref.bytes[6] << 8 | r->ref.bytes[7]);
}

bool naive_model_agrees(struct naive_model *model, const struct ledger_fixture *f)
{
    send_block(model, f);
    say_block(model, f);
    receive(model);
    size_t at = 0;
    while (model->text[at] != 0 && model->text[at] == model->answer[at]) {
        at++;
    }
    if (model->text[at] == model->answer[at]) {
        return true;
    }
    show("ledger", model->text, at);
    show("model ", model->answer, at);
    show_record(f, model->text, at);
    return false;
}
