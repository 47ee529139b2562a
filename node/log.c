/*
 * log: logfmt lines (see log.h). The format's conversions are carried out here one by one, because
 * only here is it known which bytes are the program's and which came from outside.
 */
#include "node/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define VALUE_BYTES_MAX 2048
static const char cut_mark[] = " cut=1";

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};
#define LEVELS (sizeof level_names / sizeof *level_names)

static atomic_int least_level = LOG_LEVEL_INFO;
static atomic_int output = STDERR_FILENO;

struct line {
    size_t used;
    bool cut;
    char text[LOG_LINE_BYTES_MAX];
};

void log_configure(enum log_level level, int fd)
{
    atomic_store(&least_level, (int)level);
    atomic_store(&output, fd);
}

const char *log_level_name(enum log_level level)
{
    return (size_t)level < LEVELS ? level_names[level] : "unknown";
}

bool log_level_from_name(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < LEVELS; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_is_on(enum log_level level)
{
    return (int)level >= atomic_load(&least_level);
}

/* Room is kept for the cut mark and the line's end. */
static void add(struct line *line, const char *text, size_t length)
{
    if (line->cut || length > sizeof line->text - sizeof cut_mark - line->used) {
        line->cut = true;
        return;
    }
    memcpy(line->text + line->used, text, length);
    line->used += length;
}

static void add_text(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* One byte, so that it stays inside a quoted value and inside the line. */
static void add_escaped(struct line *line, unsigned char byte)
{
    char escape[5] = {(char)byte, 0};
    if (byte == '"' || byte == '\\') {
        (void)snprintf(escape, sizeof escape, "\\%c", byte);
    } else if (byte == '\n') {
        (void)snprintf(escape, sizeof escape, "\\n");
    } else if (is_control(byte)) {
        (void)snprintf(escape, sizeof escape, "\\x%02x", byte);
    }
    add_text(line, escape);
}

static void add_value(struct line *line, const char *value, size_t length)
{
    bool quote = length == 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value[i];
        quote =
            quote || byte == ' ' || byte == '=' || byte == '"' || byte == '\\' || is_control(byte);
    }
    if (!quote) {
        add(line, value, length);
        return;
    }
    add(line, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        add_escaped(line, (unsigned char)value[i]);
    }
    add(line, "\"", 1);
}

static void start_line(struct line *line, enum log_level level, const char *event)
{
    struct timespec now;
    struct tm utc;
    char text[96];
    line->used = 0;
    line->cut = false;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    CHECK(gmtime_r(&now.tv_sec, &utc) != NULL);
    size_t used = strftime(text, sizeof text, "time=%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + used, sizeof text - used,
                   ".%03ldZ level=%s event=", now.tv_nsec / 1000000, log_level_name(level));
    add_text(line, text);
    add_value(line, event, strlen(event));
}

static void end_line(struct line *line)
{
    if (line->cut) {
        memcpy(line->text + line->used, cut_mark, sizeof cut_mark - 1);
        line->used += sizeof cut_mark - 1;
    }
    line->text[line->used++] = '\n';
    CHECK(line->used <= sizeof line->text);
    ssize_t put;
    do {
        put = write(atomic_load(&output), line->text, line->used);
    } while (put < 0 && errno == EINTR);
    /* A log that cannot be written must not stop a validator. */
}

/* ---- Conversions ---- */

/* One conversion's specification, "%" to its letter: "%08llx". */
struct conversion {
    char text[16];
    size_t length;
    int longs;    /* how many l: 0 to 2 */
    bool is_size; /* z */
    bool is_max;  /* j */
    bool precision_given;
    bool width_given;
    char letter;
};

/* Reads a specification at format, which stands on "%"; returns what follows it. */
static const char *read_conversion(const char *format, struct conversion *ret_conversion)
{
    struct conversion conversion = {.text = "%", .length = 1};
    const char *next = format + 1;
    bool after_dot = false;
    for (; *next != '\0'; next++) {
        CHECK(conversion.length < sizeof conversion.text - 1);
        conversion.text[conversion.length++] = *next;
        if (*next == 'l') {
            conversion.longs++;
        } else if (*next == 'z') {
            conversion.is_size = true;
        } else if (*next == 'j') {
            conversion.is_max = true;
        } else if (*next == '.') {
            after_dot = true;
        } else if (*next == '*') {
            conversion.precision_given = conversion.precision_given || after_dot;
            conversion.width_given = conversion.width_given || !after_dot;
        } else if (strchr("0123456789-+ #h", *next) == NULL) {
            break;
        }
    }
    CHECK(*next != '\0');
    conversion.letter = *next;
    *ret_conversion = conversion;
    return next + 1;
}

struct arguments {
    va_list list;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static int convert_integer(const struct conversion *conversion, struct arguments *arguments,
                           char *ret_text, size_t capacity)
{
    const char *text = conversion->text;
    if (conversion->is_size) {
        return snprintf(ret_text, capacity, text, va_arg(arguments->list, size_t));
    }
    if (conversion->is_max) {
        return snprintf(ret_text, capacity, text, va_arg(arguments->list, uintmax_t));
    }
    if (conversion->longs == 2) {
        return snprintf(ret_text, capacity, text, va_arg(arguments->list, unsigned long long));
    }
    if (conversion->longs == 1) {
        return snprintf(ret_text, capacity, text, va_arg(arguments->list, unsigned long));
    }
    return snprintf(ret_text, capacity, text, va_arg(arguments->list, unsigned));
}

/* Returns the length as snprintf does. */
static int convert(const struct conversion *conversion, struct arguments *arguments, char *ret_text,
                   size_t capacity)
{
    CHECK(!conversion->width_given);
    switch (conversion->letter) {
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        CHECK(!conversion->precision_given);
        return convert_integer(conversion, arguments, ret_text, capacity);
    case 'c':
        return snprintf(ret_text, capacity, conversion->text, va_arg(arguments->list, int));
    case 'f':
    case 'g':
        return snprintf(ret_text, capacity, conversion->text, va_arg(arguments->list, double));
    case 'p':
        return snprintf(ret_text, capacity, conversion->text, va_arg(arguments->list, void *));
    case 's':
        if (conversion->precision_given) {
            int precision = va_arg(arguments->list, int);
            const char *bytes = va_arg(arguments->list, const char *);
            return snprintf(ret_text, capacity, conversion->text, precision, bytes);
        }
        return snprintf(ret_text, capacity, conversion->text,
                        va_arg(arguments->list, const char *));
    default:
        check_failed("a conversion that log_write does not know", __FILE__, __LINE__);
    }
}

#pragma GCC diagnostic pop

/* The value that format stands on, up to a space or, quoted, to its closing quote. Returns what
   follows it. */
static const char *format_value(const char *format, struct arguments *arguments,
                                char ret_value[VALUE_BYTES_MAX], size_t *ret_length)
{
    size_t used = 0;
    bool quoted = *format == '"';
    const char *next = quoted ? format + 1 : format;
    while (*next != '\0' && *next != (quoted ? '"' : ' ')) {
        size_t left = VALUE_BYTES_MAX - used;
        if (*next != '%' || next[1] == '%') {
            if (left > 1) {
                ret_value[used++] = *next;
            }
            next += *next == '%' ? 2 : 1;
            continue;
        }
        struct conversion conversion;
        next = read_conversion(next, &conversion);
        int length = convert(&conversion, arguments, ret_value + used, left);
        CHECK(length >= 0);
        used += (size_t)length < left ? (size_t)length : left - 1;
    }
    *ret_length = used;
    return quoted && *next == '"' ? next + 1 : next;
}

static void add_fields(struct line *line, const char *format, struct arguments *arguments)
{
    const char *next = format;
    while (*next != '\0') {
        char value[VALUE_BYTES_MAX];
        size_t length;
        size_t name = strcspn(next, "= %");
        add(line, " ", 1);
        /* A slip in a rare message must not stop a validator: text without a name is a note. */
        if (name == 0 || next[name] != '=') {
            add_text(line, "note=");
            name = 0;
        } else {
            add(line, next, ++name);
        }
        next = format_value(next + name, arguments, value, &length);
        add_value(line, value, length);
        next += *next == ' ' ? 1 : 0;
    }
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    if (!log_is_on(level)) {
        return;
    }
    struct line line;
    struct arguments arguments;
    start_line(&line, level, event);
    va_start(arguments.list, format);
    add_fields(&line, format, &arguments);
    va_end(arguments.list);
    end_line(&line);
}

void log_fields(enum log_level level, const char *event, const char *fields)
{
    if (!log_is_on(level)) {
        return;
    }
    struct line line;
    start_line(&line, level, event);
    if (fields[0] != '\0') {
        add(&line, " ", 1);
    }
    for (const char *next = fields; *next != '\0'; next++) {
        if (is_control((unsigned char)*next)) {
            add_escaped(&line, (unsigned char)*next);
        } else {
            add(&line, next, 1);
        }
    }
    end_line(&line);
}
