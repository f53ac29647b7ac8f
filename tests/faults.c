/* Counts every call by which a process changes a disk, whoever makes it (Python, SQLite, Rust), and lets the N-th fail or
   kill the process. Preloaded; tests/test_whole.py builds it, arms it through ctypes and says what must hold after. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int armed, seen;
static int at, fault; /* fault: an errno, or 0 for SIGKILL */

void fault_arm(int number, int what) { at = number; fault = what; seen = 0; armed = 1; }
int fault_disarm(void) { armed = 0; return seen; }

/* 1 where the call must fail; errno is set. */
static int hit(void) {
    if (!armed || atomic_fetch_add(&seen, 1) + 1 != at) return 0;
    if (!fault) raise(SIGKILL);
    errno = fault;
    return 1;
}

/* Pipes and terminals are no disk. */
static int on_disk(int file) {
    struct stat about;
    return armed && !fstat(file, &about) && (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode));
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
#define BY_FILE(type, name, args, call, ...) \
    type name args { REAL(type, name, __VA_ARGS__); if (on_disk(file) && hit()) return -1; return real call; }
#define BY_NAME(type, name, args, call, ...) \
    type name args { REAL(type, name, __VA_ARGS__); if (hit()) return -1; return real call; }

BY_FILE(ssize_t, write, (int file, const void *from, size_t size), (file, from, size), int, const void *, size_t)
BY_FILE(ssize_t, writev, (int file, const struct iovec *from, int count), (file, from, count), int, const struct iovec *, int)
BY_FILE(ssize_t, pwrite, (int file, const void *from, size_t size, off_t to), (file, from, size, to), int, const void *, size_t, off_t)
BY_FILE(ssize_t, pwrite64, (int file, const void *from, size_t size, off64_t to), (file, from, size, to), int, const void *, size_t, off64_t)
BY_FILE(ssize_t, sendfile, (int file, int from, off_t *at_, size_t size), (file, from, at_, size), int, int, off_t *, size_t)
BY_FILE(ssize_t, sendfile64, (int file, int from, off64_t *at_, size_t size), (file, from, at_, size), int, int, off64_t *, size_t)
BY_FILE(int, ftruncate, (int file, off_t size), (file, size), int, off_t)
BY_FILE(int, ftruncate64, (int file, off64_t size), (file, size), int, off64_t)
BY_FILE(int, fsync, (int file), (file), int)
BY_FILE(int, fdatasync, (int file), (file), int)
BY_NAME(int, rename, (const char *from, const char *to), (from, to), const char *, const char *)
BY_NAME(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), int, const char *, int, const char *)
BY_NAME(int, symlink, (const char *target, const char *link), (target, link), const char *, const char *)
BY_NAME(int, symlinkat, (const char *target, int a, const char *link), (target, a, link), const char *, int, const char *)
BY_NAME(int, link, (const char *from, const char *to), (from, to), const char *, const char *)
BY_NAME(int, unlink, (const char *name), (name), const char *)
BY_NAME(int, unlinkat, (int a, const char *name, int flags), (a, name, flags), int, const char *, int)
BY_NAME(int, rmdir, (const char *name), (name), const char *)
BY_NAME(int, mkdir, (const char *name, mode_t mode), (name, mode), const char *, mode_t)
BY_NAME(int, mkdirat, (int a, const char *name, mode_t mode), (a, name, mode), int, const char *, mode_t)

/* Opening counts where it makes a file. */
#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        REAL(int, name, const char *, int, ...); \
        if ((flags & O_CREAT) && hit()) return -1; \
        return real(path, flags, mode); }
#define OPENAT(name) \
    int name(int a, const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        REAL(int, name, int, const char *, int, ...); \
        if ((flags & O_CREAT) && hit()) return -1; \
        return real(a, path, flags, mode); }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
