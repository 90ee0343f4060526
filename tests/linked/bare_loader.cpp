// SPDX-License-Identifier: BSL-1.0
// Two parts that both contain coffer, loaded by a program that does not: what there is one of in a process, they must find in
// each other.
//
//     linked_bare_loader <a.so> <b.so>
#include "linked/part.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace {

part const* load(char const* path, char const* name) {
    void* const object = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) std::printf("%s\n", ::dlerror()), std::exit(2);
    return reinterpret_cast<part const* (*)()>(::dlsym(object, name))();
}

}  // namespace

int main(int, char** argv) {
    auto const* const a = load(argv[1], "part_a");
    auto const* const b = load(argv[2], "part_b");
    int failures = 0;
    for (auto* const limit : {a->limit, b->limit}) {
        for (auto const* user : {a, b, a}) {
            asio::io_context io;  // each has a clock by the part that uses it, and all of them must be the same
            if (user->call(&io, limit) == 1) continue;
            std::printf("not so: a limit works in the part that did not make it\n");
            ++failures;
        }
    }
    return failures == 0 ? 0 : 1;
}
