/*
 * hefu_sim: runs seeds of the simulator and reports (docs/testing.md, The simulator; scripts/sim).
 * Each job is a process of its own with every so-many-th seed; one line a failure, then what was
 * really exercised, then the total. A failed CHECK inside a replica is a failure of that seed.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "node/memory.h"
#include "tests/sim/sim.h"

#define JOBS_MAX 64
/* Every so many seeds, one is run twice: the same seed, the same trace (I16). */
#define TWICE_EVERY 50

struct plan {
    uint64_t first, count, jobs;
    uint32_t steps;
    bool beyond, trace;
};

/* What a job tells in the end. */
struct tally {
    uint64_t seeds, events, violations, stalls, undetected, forked, halted, detected, twice;
    double seconds;
    struct sim_counts counts;
    struct sim_actor_counts actors[SIM_ACTOR_COUNT];
};

/* Where a job is, in memory that it shares with its parent: what it has told so far outlives it. */
struct progress {
    uint64_t seed;
    struct tally tally;
};

static void add(struct tally *total, const struct tally *part)
{
    total->seeds += part->seeds;
    total->events += part->events;
    total->violations += part->violations;
    total->stalls += part->stalls;
    total->undetected += part->undetected;
    total->forked += part->forked;
    total->halted += part->halted;
    total->detected += part->detected;
    total->twice += part->twice;
    total->seconds += part->seconds;
#define ADD_FIELD(field, text) total->counts.field += part->counts.field;
    SIM_COUNTS(ADD_FIELD)
#undef ADD_FIELD
    for (unsigned i = 0; i < SIM_ACTOR_COUNT; i++) {
        total->actors[i].runs += part->actors[i].runs;
        total->actors[i].actions += part->actors[i].actions;
    }
}

static void print_failure(uint64_t seed, const char *invariant, uint64_t event, const char *what)
{
    const char *commit = getenv("HEFU_COMMIT");
    (void)printf("FAIL seed %" PRIu64 " commit %s invariant %s event %" PRIu64 ": %s\n", seed,
                 commit == NULL ? "unknown" : commit, invariant, event, what);
    (void)fflush(stdout);
}

static void judge(const struct plan *plan, uint64_t seed, const struct sim_result *result,
                  struct tally *tally)
{
    tally->seeds++;
    tally->events += result->events;
    tally->forked += result->forked;
    tally->halted += result->halted;
    tally->detected += result->forked && !result->undetected;
#define ADD_FIELD(field, text) tally->counts.field += result->counts.field;
    SIM_COUNTS(ADD_FIELD)
#undef ADD_FIELD
    for (unsigned i = 0; i < SIM_ACTOR_COUNT; i++) {
        tally->actors[i].runs += result->actors[i].runs;
        tally->actors[i].actions += result->actors[i].actions;
    }
    if (result->violation) {
        tally->violations++;
        print_failure(seed, result->invariant, result->events, result->sentence);
    } else if (result->stall) {
        tally->stalls++;
        print_failure(seed, "I15", result->events, result->sentence);
    } else if (plan->beyond && result->undetected) {
        tally->undetected++;
        print_failure(seed, "UNDETECTED", result->events,
                      "a fork of which evidence names too few, and nobody halted");
    }
}

static void run_seed(const struct plan *plan, uint64_t seed, struct tally *tally)
{
    static struct sim_result result;
    static struct sim_result again;
    const struct sim_options options = {.seed = seed,
                                        .steps = plan->steps,
                                        .beyond = plan->beyond,
                                        .trace = plan->trace ? stdout : NULL};
    sim_run(&options, &result);
    judge(plan, seed, &result, tally);
    if (seed % TWICE_EVERY == 0 && !plan->trace) {
        sim_run(&options, &again);
        tally->twice++;
        if (again.trace_hash != result.trace_hash || again.events != result.events) {
            tally->violations++;
            print_failure(seed, "I16", again.events, "the same seed gave another trace");
        }
    }
}

static double seconds_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* In a process of its own, from where the job last stood. */
static pid_t spawn(const struct plan *plan, struct progress *progress)
{
    (void)fflush(stdout);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child > 0) {
        return child;
    }
    const double start = seconds_now() - progress->tally.seconds;
    while (progress->seed < plan->first + plan->count) {
        run_seed(plan, progress->seed, &progress->tally);
        progress->tally.seconds = seconds_now() - start;
        progress->seed += plan->jobs;
    }
    (void)fflush(stdout);
    _exit(0);
}

/* Waits for a child; one that was ended by a signal has failed its seed, and its job goes on. */
static bool await(const struct plan *plan, struct progress *progress, pid_t *children)
{
    int state;
    const pid_t child = wait(&state);
    if (child < 0) {
        return false;
    }
    for (uint64_t job = 0; job < plan->jobs; job++) {
        if (children[job] == child && !(WIFEXITED(state) && WEXITSTATUS(state) == 0)) {
            struct progress *failed = &progress[job];
            failed->tally.seeds++;
            failed->tally.violations++;
            print_failure(failed->seed, "CHECK", 0,
                          "the process ended here; standard error says why");
            failed->seed += plan->jobs;
            children[job] = spawn(plan, failed);
        }
    }
    return true;
}

static void print_totals(const struct plan *plan, const struct tally *total)
{
    unsigned column = 0;
#define PRINT_FIELD(field, text)                                                                   \
    (void)printf("%s%s %" PRIu64, column++ % 6 == 0 ? "\n  " : ", ", text, total->counts.field);
    (void)printf("exercised:");
    SIM_COUNTS(PRINT_FIELD)
#undef PRINT_FIELD
    (void)printf("\nactors:");
    for (unsigned i = 0; i < SIM_ACTOR_COUNT; i++) {
        (void)printf("%s %s %" PRIu64 " runs %" PRIu64 " actions", i == 0 ? "" : ",",
                     sim_actor_name((enum sim_actor_kind)i), total->actors[i].runs,
                     total->actors[i].actions);
    }
    (void)printf("\nevents %" PRIu64 ", run twice %" PRIu64 ", %.0f events a second on one core\n",
                 total->events, total->twice,
                 total->seconds > 0 ? (double)total->events / total->seconds : 0.0);
    if (plan->beyond) {
        (void)printf("beyond f: forked %" PRIu64 ", of these detected %" PRIu64
                     ", UNDETECTED %" PRIu64 ", runs with a halt %" PRIu64 "\n",
                     total->forked, total->detected, total->undetected, total->halted);
    }
    (void)printf("seeds %" PRIu64 ", violations %" PRIu64 ", stalls %" PRIu64 "\n", total->seeds,
                 total->violations, total->stalls);
}

static void usage(void)
{
    (void)fprintf(stderr, "Usage: hefu_sim --seeds FIRST COUNT [--steps N] [--jobs N] [--beyond]\n"
                          "       hefu_sim --replay SEED [--trace] [--steps N] [--beyond]\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    if (text == NULL || *text < '0' || *text > '9') {
        usage();
    }
    const uint64_t value = strtoull(text, &end, 10);
    if (*end != '\0') {
        usage();
    }
    return value;
}

static struct plan parse(char **arguments)
{
    struct plan plan = {.jobs = 1};
    for (char **a = arguments + 1; *a != NULL; a++) {
        if (strcmp(*a, "--seeds") == 0) {
            plan.first = number(a[1]);
            plan.count = number(a[2]);
            a += 2;
        } else if (strcmp(*a, "--replay") == 0) {
            plan.first = number(*++a);
            plan.count = 1;
        } else if (strcmp(*a, "--steps") == 0) {
            plan.steps = (uint32_t)number(*++a);
        } else if (strcmp(*a, "--jobs") == 0) {
            plan.jobs = number(*++a);
        } else if (strcmp(*a, "--beyond") == 0) {
            plan.beyond = true;
        } else if (strcmp(*a, "--trace") == 0) {
            plan.trace = true;
        } else {
            usage();
        }
    }
    if (plan.count == 0 || plan.jobs == 0 || plan.jobs > JOBS_MAX) {
        usage();
    }
    return plan;
}

int main(int argc, char **argv)
{
    (void)argc;
    /* Memory of stopped nodes is used again without the kernel in between; only the ledger's, of
       which little is touched and which must be zero, comes as fresh pages. */
#ifndef __SANITIZE_ADDRESS__ /* which would miss a use of what a stopped node gave back */
    memory_keep((size_t)8 << 30);
#endif
    (void)mallopt(M_MMAP_THRESHOLD, 5 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 512 << 20);
    const struct plan plan = parse(argv);
    static struct tally total;
    static pid_t children[JOBS_MAX];
    struct progress *progress = mmap(NULL, JOBS_MAX * sizeof *progress, PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(progress != MAP_FAILED);
    for (uint64_t job = 0; job < plan.jobs; job++) {
        progress[job].seed = plan.first + job;
        children[job] = spawn(&plan, &progress[job]);
    }
    while (await(&plan, progress, children)) {
    }
    for (uint64_t job = 0; job < plan.jobs; job++) {
        add(&total, &progress[job].tally);
    }
    print_totals(&plan, &total);
    return total.violations + total.stalls + total.undetected > 0 ? 1 : 0;
}
