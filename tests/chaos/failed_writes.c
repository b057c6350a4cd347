/*
 * LD_PRELOAD shim of test_store_failed_writes.py: fails one write to a file for lack of room.
 *
 * Which one stands in the file that SEAMARK_TEST_FAILING names, in two words that the path of what
 * is written has to contain and to end with; the file is taken away when it has been done.
 *
 * chdb loads its library with RTLD_DEEPBIND, which would go past this one: dlopen drops the flag.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

void *dlopen(const char *file, int flags)
{
    static void *(*real)(const char *, int);
    if (!real)
        real = dlsym(RTLD_NEXT, "dlopen");
    return real(file, flags & ~RTLD_DEEPBIND);
}

/* Whether this write is the one; it is only once. */
static int chosen(int fd)
{
    const char *order = getenv("SEAMARK_TEST_FAILING");
    if (!order || access(order, F_OK) != 0)
        return 0;
    char within[128], end[128], link[64], path[1024];
    FILE *file = fopen(order, "r");
    if (!file)
        return 0;
    int words = fscanf(file, "%127s %127s", within, end);
    fclose(file);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (words != 2 || length < (ssize_t)strlen(end))
        return 0;
    path[length] = 0;
    return strstr(path, within) && !strcmp(path + length - strlen(end), end) && !unlink(order);
}

ssize_t write(int fd, const void *data, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        real = dlsym(RTLD_NEXT, "write");
    if (chosen(fd)) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, data, size);
}
