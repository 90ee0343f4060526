// SPDX-License-Identifier: BSL-1.0
// Two parts that both contain coffer, in one process, with a third that contains it, too.
//
//     linked                   the parts are linked with it
//     linked <a.so> <b.so>     they are loaded, RTLD_LOCAL
#include "linked/part.hpp"

#include <coffer/coffer.hpp>

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace {

int failures = 0;
void expect(bool holds, char const* what) {
    if (holds) return;
    std::printf("not so: %s\n", what);
    ++failures;
}

part const* load(char const* path, char const* name) {
    void* const object = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) std::printf("%s\n", ::dlerror()), std::exit(2);
    return reinterpret_cast<part const* (*)()>(::dlsym(object, name))();
}

void check(part const& a, part const& b) {
    std::string directory = (std::filesystem::temp_directory_path() / "coffer_linked_XXXXXX").string();
    expect(::mkdtemp(directory.data()) != nullptr, "there is a directory");
    auto const file = directory + "/coffer.db";
    int const first = a.pay(file.c_str(), "one after the other");
    int const second = b.pay(file.c_str(), "one after the other");
    expect(first == 1 && second == 0, "the part that comes second finds the answer that the first has paid for");
    expect(b.pay(file.c_str(), "its own") == 1, "another key is sent");
    for (int i = 0; i < 20; ++i) {
        auto const key = "together " + std::to_string(i);
        int of_a = 0, of_b = 0;
        std::thread other{[&] { of_a = a.pay(file.c_str(), key.c_str()); }};
        of_b = b.pay(file.c_str(), key.c_str());
        other.join();
        expect(of_a >= 0 ? of_b == 1 - of_a || of_b == -1 : of_b == 1, "one of the two pays, and one only");
        expect(a.pay(file.c_str(), key.c_str()) == 0 && b.pay(file.c_str(), key.c_str()) == 0, "and both have it");
    }
    std::filesystem::remove_all(directory);

    asio::io_context io;
    expect(a.clock_of(&io) == b.clock_of(&io), "a context has one clock");
    expect(a.clock_of(&io) == &coffer::clock_service::of(io.get_executor()), "also for the program itself");
    for (auto* const limit : {a.limit, b.limit}) {
        expect(a.call(&io, limit) == 1, "a limit works in the first part");
        expect(b.call(&io, limit) == 1, "and in the second, whosesoever it is");
    }
    for (auto const* p : {&a, &b}) {
        try {
            p->fail();
            expect(false, "it throws");
        } catch (coffer::failure const& f) {
            expect(f.fault().kind() == coffer::fault_kind::throttled, "a failure says why");
        } catch (...) {
            expect(false, "a failure is known in all parts");
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3) {
        check(*load(argv[1], "part_a"), *load(argv[2], "part_b"));
    } else {
#if defined(PARTS_ARE_LINKED)
        check(*part_a(), *part_b());
#endif
    }
    return failures == 0 ? 0 : 1;
}
