/*
 * store_fail: what happens when storage fails (docs/operations.md, Storage failures): after a
 * failed write or fsync memory and disk may differ and the environment only looks usable, so the
 * process ends before any further effect. Nothing is retried.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"
#include "node/store_internal.h"

#define EXIT_STORAGE 3
#define FREE_BYTES_LOW (16ull << 20)

static _Thread_local sigjmp_buf *guard;
static struct sigaction segv_before; /* a sanitizer's, or the default */
_Thread_local volatile sig_atomic_t store_inside;

/* LMDB reports a write that ran out of space half-way as EIO. */
static bool disk_is_full(const struct store *store)
{
    struct statvfs disk;
    return statvfs(store->folder, &disk) == 0 &&
           (uint64_t)disk.f_bavail * disk.f_frsize < FREE_BYTES_LOW;
}

enum status store_classify(const struct store *store, int code)
{
    switch (code) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_TXN:
    case MDB_VERSION_MISMATCH: /* LMDB has one format: a flipped bit is likelier */
        return STATUS_CORRUPT;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STATUS_NO_SPACE;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    case ENOENT:
        return STATUS_NOT_FOUND;
    case EACCES:
    case EPERM:
        return STATUS_DENIED;
    case MDB_READERS_FULL:
    case MDB_TXN_FULL:
        return STATUS_FULL;
    default:
        return code == EIO && disk_is_full(store) ? STATUS_NO_SPACE : STATUS_IO;
    }
}

const char *store_advice(enum status status, int code)
{
    if (code == MDB_MAP_FULL) {
        return "raise map_size in config.ini and start again";
    }
    if (code == MDB_READERS_FULL) {
        return "too many readers: end some commands that read this store";
    }
    if (code == MDB_MAP_RESIZED) {
        return "the store was given a larger map meanwhile: open it again";
    }
    if (code == MDB_VERSION_MISMATCH) {
        return "its first pages are damaged, or another version of LMDB wrote it; to repair, move "
               "the chain folder away and start the node, which fetches the chain from its peers";
    }
    if (status == STATUS_NO_SPACE) {
        return "free space on the disk (or raise the quota) and start again";
    }
    if (status == STATUS_CORRUPT) {
        return "run hefu verify; to repair, move the chain folder away and start the node, "
               "which fetches the chain from its peers";
    }
    if (status == STATUS_NO_MEMORY) {
        return "allow more address space (ulimit -v, LimitAS) or lower map_size in config.ini; if "
               "there is enough, the store's first pages are damaged: move the chain folder away "
               "and start the node, which fetches the chain from its peers";
    }
    if (status == STATUS_DENIED) {
        return "run as the user of the node, or read a copy of its home";
    }
    return "look at the system's log for disk errors before starting again";
}

static _Noreturn void report(struct store *store, enum status status)
{
    store->failed = status;
    store_inside = 0;
    store_end_transactions(store);
    if (guard != NULL) {
        siglongjmp(*guard, 1);
    }
    if (store->failure != NULL) {
        store->failure(store->failure_context, status, store->message);
    }
    (void)fprintf(stderr, "hefu: storage failure: %s\n", store->message);
    _exit(EXIT_STORAGE);
}

void store_fail(struct store *store, int code, const char *doing, unsigned table)
{
    enum status status = store_classify(store, code);
    const char *name = store_table_name(table);
    (void)snprintf(store->message, sizeof store->message, "%.512s: %s%s%s: %s; %s", store->folder,
                   doing, name == NULL ? "" : " ", name == NULL ? "" : name, mdb_strerror(code),
                   store_advice(status, code));
    report(store, status);
}

void store_fail_damaged(struct store *store, unsigned table, const void *key, size_t key_length)
{
    char hex[2 * 64 + 1];
    bytes_to_hex(key, key_length < 64 ? key_length : 64, hex);
    (void)snprintf(store->message, sizeof store->message,
                   "%.512s: a value in %s is damaged (its checksum differs), key %s; %s",
                   store->folder, store_table_name(table), hex, store_advice(STATUS_CORRUPT, 0));
    report(store, STATUS_CORRUPT);
}

void store_fail_page(struct store *store, const char *name, uint64_t page, const char *what)
{
    (void)snprintf(store->message, sizeof store->message,
                   "%.512s: page %llu of %s is damaged: %s; %s", store->folder,
                   (unsigned long long)page, name, what, store_advice(STATUS_CORRUPT, 0));
    report(store, STATUS_CORRUPT);
}

/* Runs in a signal handler: only async-signal-safe calls. */
static void on_sigbus(int number)
{
    static const char text[] =
        "hefu: storage failure: SIGBUS: the store's file ends before its pages do (truncated, or a "
        "damaged page names one that is not there) or its disk has failed: look at the system's "
        "log, then run hefu verify; to repair, move the chain folder away and start the node\n";
    (void)number;
    if (guard != NULL) {
        siglongjmp(*guard, 2);
    }
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(EXIT_STORAGE);
}

/* Runs in a signal handler. */
static void on_sigsegv(int number)
{
    static const char text[] =
        "hefu: storage failure: SIGSEGV: a page of the store is damaged and names what is not "
        "there; run hefu verify; to repair, move the chain folder away and start the node\n";
    if (guard != NULL) {
        siglongjmp(*guard, 3);
    }
    if (!store_inside) {
        (void)sigaction(number, &segv_before, NULL); /* the same instruction runs again */
        return;
    }
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(EXIT_STORAGE);
}

static void catch_faults(void)
{
    struct sigaction before;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_sigbus;
    CHECK(sigemptyset(&action.sa_mask) == 0);
    CHECK(sigaction(SIGBUS, &action, NULL) == 0);
    action.sa_handler = on_sigsegv;
    CHECK(sigaction(SIGSEGV, &action, &before) == 0);
    if (before.sa_handler != on_sigsegv) {
        segv_before = before;
    }
}

enum status store_guard(struct store *volatile store, enum status (*step)(struct store *store))
{
    sigjmp_buf jump;
    catch_faults();
    int jumped = sigsetjmp(jump, 1);
    if (jumped == 0) {
        guard = &jump;
        enum status status = step(store);
        guard = NULL;
        return status;
    }
    guard = NULL;
    store_inside = 0;
    if (jumped != 1) {
        store->failed = STATUS_CORRUPT;
        (void)snprintf(store->message, sizeof store->message, "%.512s/data.mdb: %s; %s",
                       store->folder,
                       jumped == 2 ? "the file ends before its pages do, so it was truncated"
                                   : "a damaged page names what is not there",
                       store_advice(STATUS_CORRUPT, 0));
        store_end_transactions(store);
    }
    return store->failed;
}
