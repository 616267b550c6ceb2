#include "test_data.hpp"

std::string test_data() { return LUGGER_TEST_DATA; }
