/*
 * LD_PRELOAD shim of test_crash_points.py: counts the moments of one insert at which the engine
 * writes its deduplication log or renames a part into place, and kills the process at a chosen one.
 *
 * chdb loads its library with RTLD_DEEPBIND, which would go past this one: dlopen drops the flag.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int armed = 0;
static atomic_int passed = 0;
static int deadly = -1;

/* Begin to count, and die at moment `point` (0 = the first; -1 = never). */
void seamark_arm(int point)
{
    deadly = point;
    passed = 0;
    armed = 1;
}

/* Stop counting; returns how many moments passed. */
int seamark_disarm(void)
{
    armed = 0;
    return passed;
}

static void moment(void)
{
    if (armed && atomic_fetch_add(&passed, 1) == deadly) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
}

void *dlopen(const char *file, int flags)
{
    static void *(*real)(const char *, int);
    if (!real)
        real = dlsym(RTLD_NEXT, "dlopen");
    return real(file, flags & ~RTLD_DEEPBIND);
}

int rename(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);
    if (!real)
        real = dlsym(RTLD_NEXT, "rename");
    int watched = strstr(from, "tmp_insert_") != NULL;
    if (watched)
        moment();
    int result = real(from, to);
    if (watched)
        moment();
    return result;
}

ssize_t write(int fd, const void *data, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        real = dlsym(RTLD_NEXT, "write");
    if (armed) {
        char link[64], path[1024];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) {
            path[length] = 0;
            if (strstr(path, "/deduplication_logs/")) {
                moment();
                ssize_t result = real(fd, data, size);
                moment();
                return result;
            }
        }
    }
    return real(fd, data, size);
}
