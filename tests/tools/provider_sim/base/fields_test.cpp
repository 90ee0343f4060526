// SPDX-License-Identifier: BSL-1.0
#include "base/fields.hpp"

#include <gtest/gtest.h>

#include "base/bad_input.hpp"

namespace provider_sim::fields_test {
namespace {

template <class Read>
std::string complaint(json const& object, Read read) {
    try {
        fields f{object, "thing"};
        read(f);
        f.finish();
    } catch (bad_input const& error) {
        return error.what();
    }
    return {};
}

TEST(fields, gives_what_is_there_and_nothing_for_what_is_not) {
    json const object{{"n", 3}, {"t", "x"}, {"b", true}, {"o", {{"m", 1}}}};
    fields f{object, "thing"};
    EXPECT_EQ(f.integer("n", 0, 10), 3);
    EXPECT_EQ(f.integer("absent", 0, 10), std::nullopt);
    EXPECT_EQ(f.text("t"), "x");
    EXPECT_EQ(f.flag("b"), true);
    EXPECT_EQ(f.object("o")->integer("m", 0, 1), 1);
    f.finish();
}

TEST(fields, complains_with_place_expectation_and_what_it_got) {
    EXPECT_EQ(complaint(json(3), [](fields&) {}), "thing: it must be a JSON object, not 3");
    EXPECT_EQ(complaint({{"n", "3"}}, [](fields& f) { f.integer("n", 0, 10); }),
              "thing: n must be an integer from 0 to 10, not \"3\"");
    EXPECT_EQ(complaint({{"n", 11}}, [](fields& f) { f.integer("n", 0, 10); }),
              "thing: n must be an integer from 0 to 10, not 11");
    EXPECT_EQ(complaint({{"o", {{"p", 2.5}}}}, [](fields& f) { f.object("o")->number("p", 0, 1); }),
              "thing: o.p must be a number from 0.0 to 1.0, not 2.5");
    constexpr word_table<int, 2> words{{{"one", 1}, {"two", 2}}};
    EXPECT_EQ(complaint({{"w", "three"}}, [&](fields& f) { f.word("w", words); }),
              "thing: w must be \"one\" | \"two\", not \"three\"");
}

TEST(fields, refuses_a_field_that_nobody_asked_for) {
    EXPECT_EQ(complaint({{"nht", 1}}, [](fields& f) { f.integer("nth", 1, 2); }),
              "thing: nht is unknown; known are: nth");
}

TEST(fields, refuses_an_integer_that_does_not_fit) {
    EXPECT_EQ(complaint({{"n", UINT64_MAX}}, [](fields& f) { f.integer("n", 0, INT64_MAX); }),
              "thing: n must be an integer from 0 to 9223372036854775807, not 18446744073709551615");
}

}  // namespace
}  // namespace provider_sim::fields_test
