// Where the tests' data lies. One file knows the path, so that the others compile alike in every
// checkout.
#pragma once
#include <string>

std::string test_data();
