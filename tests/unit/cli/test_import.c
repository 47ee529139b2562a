/* test_import: lines of a clearing file into records, names found, and the place of every error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/args.h"
#include "cli/import.h"
#include "cli/plan.h"
#include "cli/source.h"
#include "cli/text.h"
#include "ledger/kinds.h"
#include "node/genesis_file.h"
#include "tests/support/folder.h"

struct fixture {
    struct genesis genesis;
    struct names *names;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char error[256] = "";
    assert_non_null(fixture);
    assert_int_equal(plan_read(NULL, &fixture->genesis, error, sizeof error), STATUS_OK);
    fixture->names = names_new(&fixture->genesis);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    names_free(fixture->names);
    genesis_free(&fixture->genesis);
    free(fixture);
    return 0;
}

/* Reads header and one line. The status of the first that fails, or of the line. */
static enum status import_text(struct fixture *fixture, const char *text, struct record *record,
                               struct import_error *error)
{
    static const struct hash source = {{9, 9, 9, 9, 9, 9, 9}};
    struct csv_reader *reader = malloc(sizeof *reader);
    assert_non_null(reader);
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "rb");
    struct import import;
    csv_open(reader, file);
    assert_int_equal(csv_next(reader), CSV_ROW);
    enum status status = import_start(&import, fixture->names, 0, reader, error);
    if (status == STATUS_OK) {
        assert_int_equal(csv_next(reader), CSV_ROW);
        status = import_record(&import, reader, &source, record, error);
    }
    fclose(file);
    free(reader);
    return status;
}

#define HEADER "kind,scheme,payer,payee,amount,currency,business_date"

static enum status look_up(const struct names *names, const char *word, uint32_t *ret_number)
{
    *ret_number = 0;
    return names_participant(names, word, ret_number);
}

/* Goal: a word that only resembles a participant's number or name is not that participant. */
static void names_are_not_guessed(void **state)
{
    struct fixture *fixture = *state;
    static const char *const strangers[] = {
        "",
        "-5",
        "5-",
        "(5)",
        "5%",
        "\xe9\x93\xb6\xe8\xa1\x8c"
        "5",
        "05",
        "5.0",
        "5 5",
        "Harbour Ba",
        "harbourbank",
        "\xe4\xb8\xad"
        "Harbour Bank",
    };
    uint32_t number;
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        if (look_up(fixture->names, strangers[i], &number) == STATUS_OK) {
            fail_msg("\"%s\" was taken for participant %u", strangers[i], number);
        }
    }
    assert_int_equal(look_up(fixture->names, "5", &number), STATUS_OK);
    assert_int_equal(number, 5);
    assert_int_equal(look_up(fixture->names, " harbour  BANK", &number), STATUS_OK);
    assert_int_equal(number, 3);

    /* Names in another script are names, and a digit in one of them is not a number. */
    struct genesis_participant *participants = fixture->genesis.participants;
    snprintf(participants[2].name, sizeof participants[2].name, "\xe6\xb8\xaf");
    snprintf(participants[3].name, sizeof participants[3].name, "\xe8\x8e\xb2 4 \xe8\xa1\x8c");
    snprintf(participants[4].name, sizeof participants[4].name, "5.");
    struct names *names = names_new(&fixture->genesis);
    assert_int_equal(look_up(names, "\xe6\xb8\xaf", &number), STATUS_OK);
    assert_int_equal(number, 3);
    assert_int_equal(look_up(names, "\xe8\x8e\xb2 4 \xe8\xa1\x8c", &number), STATUS_OK);
    assert_int_equal(number, 4);
    assert_int_equal(look_up(names, "\xe8\x8e\xb2", &number), STATUS_NOT_FOUND);
    assert_int_equal(look_up(names, "4", &number), STATUS_OK);
    assert_int_equal(number, 4);
    names_free(names);
}

/* Goal: every column lands in its field; names, slugs and numbers of participants are the same. */
static void whole_lines_are_records(void **state)
{
    struct record record;
    struct import_error error;
    assert_int_equal(
        import_text(*state,
                    HEADER ",id,interchange,payer_fee,payee_fee,match_key,ref,ref_participant,mcc,"
                           "reason,details_hash,timeout_s,priority,flags\n"
                           "refund,Debit Purchase,harbour-bank,4,120.50,cny,2026-11-23,"
                           "0123456789abcdef0123456789abcdef,-0.35,0.03,,"
                           "000102030405060708090a0b0c0d0e0f,ffffffffffffffffffffffffffffffff,"
                           "LOTUS BANK,0742,AC01,"
                           "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff,60,3,"
                           "LINKED|FINAL\n",
                    &record, &error),
        STATUS_OK);
    assert_int_equal(record.kind, RECORD_REFUND);
    assert_int_equal(record.scheme, 1);
    assert_int_equal(record.payer, 3);
    assert_int_equal(record.payee, 4);
    assert_true(record.amount == 12050);
    assert_int_equal(record.currency, 156);
    assert_int_equal(record.business_date, 20261123);
    assert_true(record.interchange == -35 && record.payer_fee == 3 && record.payee_fee == 0);
    assert_int_equal(record.id.bytes[0], 0x01);
    assert_int_equal(record.match_key.bytes[15], 0x0f);
    assert_int_equal(record.ref.bytes[7], 0xff);
    assert_int_equal(record.ref_participant, 4);
    assert_int_equal(record.mcc, 742);
    assert_memory_equal(record.reason, "AC01", 4);
    assert_int_equal(record.details_hash.bytes[1], 0x11);
    assert_int_equal(record.timeout_s, 60);
    assert_int_equal(record.priority, 3);
    assert_int_equal(record.flags, RECORD_LINKED | RECORD_FINAL);
    for (size_t i = 0; i < sizeof record.reserved; i++) {
        assert_int_equal(record.reserved[i], 0);
    }
}

/* Goal: a line of every kind is a record with no more than its kind needs, and lacking any of that
   it is refused at that column. */
static void every_kind_is_taken(void **state)
{
    static const char columns[] = "kind,currency,business_date,payer,payee,amount,scheme,ref,"
                                  "match_key";
    static const char *const values[] = {"3",
                                         "4",
                                         "7.50",
                                         "1",
                                         "0123456789abcdef0123456789abcdef",
                                         "000102030405060708090a0b0c0d0e0f"};
    static const uint16_t fields[] = {FIELD_PAYER,  FIELD_PAYEE, FIELD_AMOUNT,
                                      FIELD_SCHEME, FIELD_REF,   FIELD_MATCH_KEY};
    for (unsigned kind = RECORD_CLEAR; kind <= RECORD_CONTRIBUTE; kind++) {
        const uint16_t required = kind_of(kind)->required;
        for (int missing = -1; missing < 6; missing++) {
            struct record record;
            struct import_error error = {.line = 0};
            char text[400];
            size_t used = (size_t)snprintf(text, sizeof text, "%s\n%s,CNY,2026-11-23", columns,
                                           record_kind_name(kind));
            for (int i = 0; i < 6; i++) {
                bool given = (required & fields[i]) != 0 && i != missing;
                used += (size_t)snprintf(text + used, sizeof text - used, ",%s",
                                         given ? values[i] : "");
            }
            enum status status = import_text(*state, text, &record, &error);
            if (missing < 0 || (required & fields[missing]) == 0) {
                assert_int_equal(status, STATUS_OK);
                assert_int_equal(record.kind, kind);
                assert_int_equal(record.payer, (required & FIELD_PAYER) != 0 ? 3 : 0);
                assert_int_equal(record.payee, (required & FIELD_PAYEE) != 0 ? 4 : 0);
                assert_true(record.amount == ((required & FIELD_AMOUNT) != 0 ? 750 : 0));
                assert_int_equal(record.scheme, (required & FIELD_SCHEME) != 0 ? 1 : 0);
                assert_int_equal(record.ref.bytes[1], (required & FIELD_REF) != 0 ? 0x23 : 0);
            } else {
                assert_int_equal(status, STATUS_MALFORMED);
                assert_int_equal(error.column, 4 + missing);
                assert_non_null(strstr(error.text, record_kind_name(kind)));
            }
        }
    }
}

/* Goal: who and what came after genesis.json was written goes by number. */
static void later_numbers_are_taken(void **state)
{
    struct record record;
    struct import_error error;
    assert_int_equal(
        import_text(*state, HEADER "\nCLEAR,9,611,4,1,CNY,2026-11-23\n", &record, &error),
        STATUS_OK);
    assert_int_equal(record.scheme, 9);
    assert_int_equal(record.payer, 611);
    assert_int_equal(
        import_text(*state, HEADER "\nCLEAR,9,65536,4,1,CNY,2026-11-23\n", &record, &error),
        STATUS_MALFORMED);
}

/* Goal: a line without an id gets the one of its file, day and line. */
static void absent_ids_are_made(void **state)
{
    struct record record;
    struct import_error error;
    const struct hash source = {{9, 9, 9, 9, 9, 9, 9}};
    assert_int_equal(
        import_text(*state, HEADER "\n\nCLEAR,1,3,4,1,CNY,2026-11-23\n", &record, &error),
        STATUS_OK);
    struct record_id expected = id_of_line(20261123, &source, 3);
    assert_memory_equal(&record.id, &expected, sizeof expected);
}

/* Goal: each wrong cell is told by line and column, with what was expected. */
static void errors_name_their_place(void **state)
{
    static const struct {
        const char *line;
        unsigned column;
        const char *word;
    } cases[] = {
        {"FOO,1,3,4,1,CNY,2026-11-23", 1, "kind"},
        {"CLEAR,no such,3,4,1,CNY,2026-11-23", 2, "scheme"},
        {"CLEAR,1,99,4,1,CNY,2026-11-23", 3, "payer"},
        {"CLEAR,1,3,,1,CNY,2026-11-23", 4, "payee"},
        {"CLEAR,1,3,4,12.345,CNY,2026-11-23", 5, "decimals"},
        {"CLEAR,1,3,4,12x,CNY,2026-11-23", 5, "decimal number"},
        {"CLEAR,1,3,4,99999999999999999,CNY,2026-11-23", 5, "10^18"},
        {"CLEAR,1,3,4,1,ZZZ,2026-11-23", 6, "currency"},
        {"CLEAR,1,3,4,1,CNY,2026-02-30", 7, "date"},
        {"CLEAR,1,3,4,1,CNY,2026-11-23,more", 8, "7 columns"},
        {"CLEAR,1,3,4,1,CNY", 0, "7 columns"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct record record;
        struct import_error error = {.line = 0};
        char text[256];
        snprintf(text, sizeof text, HEADER "\n%s\n", cases[i].line);
        print_message("%s\n", cases[i].line);
        assert_int_equal(import_text(*state, text, &record, &error), STATUS_MALFORMED);
        assert_int_equal(error.line, 2);
        assert_int_equal(error.column, cases[i].column);
        assert_non_null(strstr(error.text, cases[i].word));
    }
}

/* Goal: a header that cannot be meant is refused before any line is read. */
static void headers_are_checked(void **state)
{
    struct record record;
    struct import_error error;
    assert_int_equal(import_text(*state, "kind,payer\n", &record, &error), STATUS_MALFORMED);
    assert_non_null(strstr(error.text, "missing"));
    assert_int_equal(import_text(*state, HEADER ",colour\n", &record, &error), STATUS_MALFORMED);
    assert_int_equal(error.column, 8);
    assert_int_equal(import_text(*state, HEADER ",kind\n", &record, &error), STATUS_MALFORMED);
    assert_non_null(strstr(error.text, "twice"));
}

/* Goal: batches are full, never cut a chain, and both passes cut alike. */
static void partition_keeps_chains(void **state)
{
    (void)state;
    struct partition partition = {.parts = 0};
    enum status status;
    uint32_t size = 0;
    for (uint32_t i = 0; i < LIMIT_BATCH_RECORDS - 1; i++) {
        assert_false(partition_add(&partition, false, &size, &status));
    }
    assert_false(partition_add(&partition, true, &size, &status));
    /* The chain's second record does not fit: the part ends before the chain. */
    assert_true(partition_add(&partition, false, &size, &status));
    assert_int_equal(size, LIMIT_BATCH_RECORDS - 1);
    assert_int_equal(partition_count(&partition), 2);
    /* A chain as long as a batch fits, one longer never does. */
    partition = (struct partition){.parts = 0};
    for (uint32_t i = 0; i < LIMIT_BATCH_RECORDS; i++) {
        assert_false(partition_add(&partition, true, &size, &status));
        assert_int_equal(status, STATUS_OK);
    }
    assert_false(partition_add(&partition, false, &size, &status));
    assert_int_equal(status, STATUS_FULL);
    /* Without chains, each part is full. */
    partition = (struct partition){.parts = 0};
    for (uint32_t i = 0; i < 3 * LIMIT_BATCH_RECORDS + 1; i++) {
        if (partition_add(&partition, false, &size, &status)) {
            assert_int_equal(size, LIMIT_BATCH_RECORDS);
        }
    }
    assert_int_equal(partition_count(&partition), 4);
}

static void ignore_line(void *context, const struct import_error *error)
{
    (void)context;
    (void)error;
}

/* The first bad line of a file that a chain needs, as the check of the file finds it. */
static uint64_t broken_chain_of(const struct fixture *fixture, const char *lines)
{
    struct folder folder;
    folder_make(&folder);
    const char *path = folder_file(&folder, "records.csv");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s,flags\n%s", HEADER, lines);
    assert_int_equal(fclose(file), 0);
    struct source source;
    assert_int_equal(source_check(&source, path, fixture->names, 0, ignore_line, NULL), EXIT_CLEAN);
    uint64_t line = source.broken_chain;
    source_close(&source);
    folder_remove(&folder);
    return line;
}

/* Goal: leaving out a bad line never joins the chain it stood in to the next records. */
static void broken_chains_are_told(void **state)
{
#define GOOD "CLEAR,1,5,3,1.00,CNY,2026-11-23,"
#define BAD "CLEAR,1,5,3,x,CNY,2026-11-23,"
    assert_int_equal(broken_chain_of(*state, GOOD "LINKED\n" GOOD "\n" BAD "\n" GOOD "\n"), 0);
    assert_int_equal(broken_chain_of(*state, GOOD "LINKED\n" BAD "\n" GOOD "\n"), 3);
    assert_int_equal(broken_chain_of(*state, GOOD "\n" BAD "LINKED\n" GOOD "\n"), 3);
    assert_int_equal(broken_chain_of(*state, GOOD "\nCLEAR,1\n" GOOD "\n"), 3);
    assert_int_equal(broken_chain_of(*state, GOOD "\n\"CLEAR\"x,1\n" GOOD "\n"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_lines_are_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(later_numbers_are_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_kind_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_not_guessed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absent_ids_are_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_name_their_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(headers_are_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_chains_are_told, set_up, tear_down),
        cmocka_unit_test(partition_keeps_chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
