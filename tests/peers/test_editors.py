"""What an editor says of a new repository, of the examples and of the library: nothing. EmmyLua's checker
reads the annotations that LuaLS reads (cargo install emmylua_check); where it is missing this is skipped."""
import os
import shutil
import subprocess

import harness
import project


class Editors(project.Case):
    def setUp(self):
        super().setUp()
        if not shutil.which("emmylua_check"):
            harness.skip("emmylua_check is not installed (cargo install emmylua_check)")
        self.lugger("init", "repository", status=0)
        self.home = os.path.join(self.dir, "repository")

    def check(self):
        """On a busy machine the checker may begin before it has read Lua's own library, and then warns of
        what `assert` gives: what it says twice counts."""
        for _ in range(2):
            done = subprocess.run(["emmylua_check", "."], cwd=self.home, capture_output=True, text=True,
                                  timeout=120)
            if "No issues found" in done.stdout:
                break
        return done.stdout + done.stderr

    def test_a_new_repository_and_the_examples_have_no_warnings(self):
        examples = harness.ROOT / "examples"
        for path in examples.rglob("*.lua"):
            shutil.copy(path, os.path.join(self.home, "jobs", f"example_{path.stem}.lua"))
        self.assertIn("No issues found", self.check())

    def test_the_library_has_no_warnings(self):
        """Its files under the names that `require` knows, with the settings of a new repository."""
        repository, self.home = self.home, os.path.join(self.dir, "library")
        stdlib = harness.ROOT / "stdlib"
        shutil.copytree(stdlib, self.home, ignore=lambda _, names: {"inner", "cli"} & set(names))
        for part in ("inner", "cli"):
            shutil.copytree(stdlib / part, os.path.join(self.home, "lugger", part))
        shutil.copy(os.path.join(repository, ".luarc.json"), self.home)
        self.assertIn("No issues found", self.check())

    def test_a_wrong_name_is_found(self):
        with open(os.path.join(self.home, "jobs", "wrong.lua"), "w", encoding="utf-8") as file:
            file.write("local lugger = require 'lugger'\nreturn lugger.coppy { from = lugger.source 5 }\n")
        said = self.check()
        self.assertIn("coppy", said)
        self.assertIn("wrong.lua", said)


if __name__ == "__main__":
    harness.main()
