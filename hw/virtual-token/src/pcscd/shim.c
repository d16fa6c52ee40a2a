/* Preloaded into a private pcscd to isolate it from the machine: its virtual readers listen on loopback only, it does
 * not look for tokens on USB, and it leaves the system's pid file alone. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	struct sockaddr_in here;
	if (address->sa_family != AF_INET || size < sizeof here)
		return REAL(bind)(fd, address, size);
	memcpy(&here, address, sizeof here);
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return REAL(bind)(fd, (struct sockaddr *)&here, sizeof here);
}

/* Replaces the folder of USB drivers with an empty one. */
DIR *opendir(const char *path)
{
	const char *empty = getenv("VIRTUAL_TOKEN_NO_DRIVERS");
	return REAL(opendir)(empty && strstr(path, "pcsc/drivers") ? empty : path);
}

/* Makes writing below /run/pcscd fail for root as it does for any other user. */
static int system_wide(const char *path)
{
	if (strncmp(path, "/run/pcscd", 10) != 0)
		return 0;
	errno = EACCES;
	return 1;
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return (flags & O_CREAT) && system_wide(path) ? -1 : REAL(open)(path, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
	if (!system_wide(path))
		return REAL(mkdir)(path, mode);
	errno = EEXIST;
	return -1;
}

int remove(const char *path)
{
	return system_wide(path) ? -1 : REAL(remove)(path);
}
