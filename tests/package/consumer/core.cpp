// SPDX-License-Identifier: BSL-1.0
#include <coffer/coffer.hpp>
#include <coffer/version.hpp>

#if defined(COFFER_USE_BOOST_ASIO)
#include <boost/asio/io_context.hpp>
namespace asio = boost::asio;
#else
#include <asio/io_context.hpp>
#endif

#include <cstdio>
#include <cstring>
#include <string>

asio::awaitable<std::string> greet(std::string name) { co_return "hello " + name; }

asio::awaitable<void> run(std::string& result) {
    auto ask = coffer::pipeline{coffer::retry{}}.wrap(greet);
    coffer::call call{coffer::key{"greeting", 1}};
    std::string name = "world";
    result = co_await ask(call, name);
}

bool version_is_one() {
    int const number = COFFER_VERSION_MAJOR * 10000 + COFFER_VERSION_MINOR * 100 + COFFER_VERSION_PATCH;
    char text[32];
    std::snprintf(text, sizeof text, "%d.%d.%d", COFFER_VERSION_MAJOR, COFFER_VERSION_MINOR, COFFER_VERSION_PATCH);
    return number == COFFER_VERSION && std::strcmp(text, COFFER_VERSION_STRING) == 0;
}

int main() {
    asio::io_context io;
    std::string result;
    asio::co_spawn(io, run(result), asio::detached);
    io.run();
    return result == "hello world" && version_is_one() ? 0 : 1;
}
