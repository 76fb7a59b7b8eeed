/*
 * The entry point of the Node in the tree. The kernel looks for the dynamic loader of a program at
 * a fixed path of the image: a relocatable program has none there, and an image of musl or from
 * scratch has none at all. So this Node names no interpreter to the kernel. Its entry point
 * maps the loader that lies beside it and jumps into the loader, as the kernel would. Node is an
 * ordinary program with its own name in ps, /proc/self/exe and process.execPath.
 *
 * Runs before any library: no calls, no writable data, no relocations. bring-loader.mjs appends it
 * to Node.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define LOADER "/runtime/loader"
#define MAX_PATH 4096
#define MAX_HEADERS 16

typedef uintptr_t word;

/*
 * bring-loader.mjs fills it in: where Node really begins, and its program headers with the
 * interpreter that libc wants to see.
 */
struct node {
  uint64_t entry, headers, header_count;
};
extern const volatile struct node node __attribute__((section(".node"), visibility("hidden")));
const volatile struct node node = {1, 1, 1};

#if defined(__x86_64__)
__asm__(
    ".section .text.first,\"ax\",@progbits\n"
    ".globl first\n"
    "first:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rbx\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call find_loader\n"
    "  mov %rbx, %rsp\n"
    "  xor %edx, %edx\n" /* no function to register with atexit */
    "  jmp *%rax\n");

static long call(long number, word a, word b, word c, word d, word e, word f) {
  long result;
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = e;
  register word r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
__asm__(
    ".section .text.first,\"ax\",%progbits\n"
    ".globl first\n"
    "first:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  mov x19, sp\n"
    "  mov x0, sp\n"
    "  bl find_loader\n"
    "  mov x16, x0\n"
    "  mov sp, x19\n"
    "  mov x0, #0\n"
    "  mov x30, #0\n"
    "  br x16\n");

static long call(long number, word a, word b, word c, word d, word e, word f) {
  register word x8 __asm__("x8") = (word)number;
  register word x0 __asm__("x0") = a;
  register word x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c;
  register word x3 __asm__("x3") = d;
  register word x4 __asm__("x4") = e;
  register word x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return (long)x0;
}
#else
#error "no entry for this architecture"
#endif

static word length_of(const char *text) {
  word length = 0;
  while (text[length] != '\0') length++;
  return length;
}

static void say(const char *text) { call(SYS_write, 2, (word)text, length_of(text), 0, 0, 0); }

static _Noreturn void give_up(const char *path, const char *problem) {
  say("node: ");
  say(path);
  say(problem);
  for (;;) call(SYS_exit_group, 127, 0, 0, 0, 0, 0);
}

static word map(word at, word length, int protection, int flags, int file, word offset) {
  long result = call(SYS_mmap, at, length, (word)protection, (word)flags, (word)file, offset);
  return result < 0 && result > -4096 ? 0 : (word)result;
}

/* The directory of Node, followed by the name of the loader. */
static void path_of_loader(char *path) {
  long length = call(SYS_readlinkat, (word)AT_FDCWD, (word) "/proc/self/exe", (word)path, MAX_PATH - sizeof LOADER, 0, 0);
  if (length <= 0) give_up("/proc/self/exe", ": cannot be read; is /proc mounted?\n");
  while (length > 0 && path[length - 1] != '/') length--;
  if (length > 0) length--;
  for (word at = 0; at < sizeof LOADER; at++) path[(word)length + at] = LOADER[at];
}

/*
 * Behind the end of the file there is zero, up to the end of the page: the loader allocates from
 * what is left of it.
 */
static int clear_rest(word base, const Elf64_Phdr *header, word page) {
  word end = base + header->p_vaddr + header->p_filesz, last = base + header->p_vaddr + header->p_memsz;
  word next_page = (end + page - 1) & ~(page - 1);
  for (volatile char *at = (volatile char *)end; (word)at < next_page; at++) *at = 0;
  return last <= next_page ||
         map(next_page, last - next_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != 0;
}

static int protection_of(const Elf64_Phdr *header) {
  return (header->p_flags & PF_R ? PROT_READ : 0) | (header->p_flags & PF_W ? PROT_WRITE : 0) |
         (header->p_flags & PF_X ? PROT_EXEC : 0);
}

/* Returns where it is, 0 if it cannot be mapped. */
static word map_loader(int file, word page, Elf64_Ehdr *elf) {
  Elf64_Phdr headers[MAX_HEADERS];
  word size = 0, base = 0;
  if (call(SYS_pread64, (word)file, (word)elf, sizeof *elf, 0, 0, 0) != sizeof *elf || elf->e_phnum > MAX_HEADERS) return 0;
  word bytes = elf->e_phnum * sizeof *headers;
  if (call(SYS_pread64, (word)file, (word)headers, bytes, elf->e_phoff, 0, 0) != (long)bytes) return 0;
  for (int at = 0; at < elf->e_phnum; at++)
    if (headers[at].p_type == PT_LOAD) size = headers[at].p_vaddr + headers[at].p_memsz;
  if (size != 0) base = map(0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int at = 0; at < elf->e_phnum && base != 0; at++) {
    const Elf64_Phdr *header = &headers[at];
    if (header->p_type != PT_LOAD) continue;
    word before = header->p_vaddr & (page - 1);
    if (map(base + header->p_vaddr - before, header->p_filesz + before, protection_of(header), MAP_PRIVATE | MAP_FIXED, file,
            header->p_offset - before) == 0)
      return 0;
    if ((header->p_flags & PF_W) && !clear_rest(base, header, page)) return 0;
  }
  return base;
}

/* Gets the stack as the kernel has made it; returns where to go on. */
__attribute__((used)) word find_loader(word *stack) {
  char path[MAX_PATH];
  Elf64_Ehdr elf;
  word page = 4096, *at = stack + 1 + stack[0] + 1; /* behind the arguments */
  while (*at != 0) at++;                            /* behind the environment */
  Elf64_auxv_t *auxiliary = (Elf64_auxv_t *)(at + 1);
  for (Elf64_auxv_t *entry = auxiliary; entry->a_type != AT_NULL; entry++)
    if (entry->a_type == AT_PAGESZ) page = entry->a_un.a_val;
  path_of_loader(path);
  long file = call(SYS_openat, (word)AT_FDCWD, (word)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
  if (file < 0) give_up(path, ": cannot be opened; my_init is not installed completely\n");
  word base = map_loader((int)file, page, &elf);
  if (base == 0) give_up(path, ": cannot be mapped\n");
  call(SYS_close, (word)file, 0, 0, 0, 0, 0);
  for (Elf64_auxv_t *entry = auxiliary; entry->a_type != AT_NULL; entry++) {
    if (entry->a_type == AT_BASE) entry->a_un.a_val = base;
    if (entry->a_type == AT_ENTRY) entry->a_un.a_val = node.entry;
    if (entry->a_type == AT_PHDR) entry->a_un.a_val = node.headers;
    if (entry->a_type == AT_PHNUM) entry->a_un.a_val = node.header_count;
  }
  return base + elf.e_entry;
}
