namespace PgMigration.Tests;

public sealed class CutoverJournalTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("pgm-journal-").FullName, "cutover.journal");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Fact]
    public void What_was_written_is_read_by_another_session_while_it_is_open()
    {
        using var journal = CutoverJournal.Create(_path);
        journal.Write(CutoverEvent.Planned, text: "FenceSource", facts: Facts with { MarkLsn = Lsn.Parse("16/B374D848") });
        journal.Write(CutoverEvent.Begun, "FenceSource");

        var record = CutoverRecord.Read(_path);

        Assert.Equal(CutoverOutcome.Unfinished, record.Outcome);
        Assert.Equal(("FenceSource", CutoverEvent.Begun), (record.LastStep, record.LastEvent));
        Assert.Equal("16/B374D848", record.Entries[0].Facts!.MarkLsn.ToString());
    }

    [Fact]
    public void A_line_that_a_death_cut_short_is_dropped_and_written_over()
    {
        using (var journal = CutoverJournal.Create(_path))
        {
            journal.Write(CutoverEvent.Planned, facts: Facts);
        }

        File.AppendAllText(_path, "{\"At\":\"2026-01-01T00:00:00Z\",\"Event\":\"Beg");
        using (var journal = CutoverJournal.Open(_path))
        {
            Assert.Single(journal.Entries);
            journal.Write(CutoverEvent.Begun, "PauseApp");
        }

        Assert.Equal([CutoverEvent.Planned, CutoverEvent.Begun], CutoverJournal.Read(_path).Select(entry => entry.Event));
    }

    [Fact]
    public void Two_sessions_cannot_run_the_same_cutover()
    {
        using var journal = CutoverJournal.Create(_path);

        Assert.Equal("JournalInUse", Assert.Throws<MigrationException>(() => CutoverJournal.Create(_path)).ErrorId);
        Assert.Equal("JournalInUse", Assert.Throws<MigrationException>(() => CutoverJournal.Open(_path)).ErrorId);
    }

    [Fact]
    public void A_new_cutover_does_not_write_over_an_old_journal()
    {
        using (var old = CutoverJournal.Create(_path))
        {
            old.Write(CutoverEvent.Planned, facts: Facts);
        }

        Assert.Equal("JournalExists", Assert.Throws<MigrationException>(() => CutoverJournal.Create(_path)).ErrorId);
        CutoverJournal.Open(_path).Dispose();
    }

    [Fact]
    public void The_journal_of_a_cutover_that_did_not_pause_the_app_gives_its_name_to_the_next_and_keeps_its_lines()
    {
        foreach (string gate in (string[])["first", "second"])
        {
            using var refused = CutoverJournal.Create(_path);
            refused.Write(CutoverEvent.Planned, facts: Facts);
            refused.Write(CutoverEvent.Failed, "CheckGates", gate);
            refused.Write(CutoverEvent.BackOnSource);
        }

        using (var next = CutoverJournal.Create(_path))
        {
            Assert.Empty(next.Entries);
            next.Write(CutoverEvent.Planned, facts: Facts);
        }

        Assert.Equal(["first", "second"], new[] { 1, 2 }.Select(number => CutoverRecord.Read(Path.ChangeExtension(_path, $".{number}.journal")).Reason));
    }

    [Fact]
    public void A_journal_that_paused_the_app_keeps_its_name_also_after_its_undo()
    {
        using (var paused = CutoverJournal.Create(_path))
        {
            paused.Write(CutoverEvent.Planned, facts: Facts);
            paused.Write(CutoverEvent.Begun, nameof(PauseApp));
            paused.Write(CutoverEvent.BackOnSource);
        }

        Assert.Equal("JournalExists", Assert.Throws<MigrationException>(() => CutoverJournal.Create(_path)).ErrorId);
    }

    [Fact]
    public void A_journal_to_which_nothing_was_written_leaves_no_file()
    {
        CutoverJournal.Create(_path).Dispose();

        Assert.False(File.Exists(_path));
    }

    [Fact]
    public void A_damaged_line_is_an_error_that_names_it_and_nothing_is_done_on_its_ground()
    {
        File.WriteAllText(_path, "{\"At\":\"2026-01-01T00:00:00Z\",\"Event\":\"Planned\"}\nnot json\n");

        var error = Assert.Throws<MigrationException>(() => CutoverJournal.Open(_path));

        Assert.Equal("JournalDamaged", error.ErrorId);
        Assert.Contains("Line 2", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("my only copy of a token, with no line end")]
    [InlineData("a line\nand a token")]
    [InlineData("{}\n")]
    [InlineData("null\n")]
    [InlineData("{\"At\":\"2026-01-01T00:00:00Z\",\"Event\":\"Begun\",\"Step\":\"PauseApp\"}\nand a token")]
    [InlineData("{\"At\":\"2026-01-01T00:00:00Z\",\"Event\":\"Planned\"}\nand a token")]
    public void A_file_that_holds_no_plan_is_refused_and_keeps_every_byte(string text)
    {
        File.WriteAllText(_path, text);

        var opened = Assert.Throws<MigrationException>(() => CutoverJournal.Open(_path));
        var read = Assert.Throws<MigrationException>(() => CutoverRecord.Read(_path));

        Assert.Equal(("JournalDamaged", "JournalDamaged"), (opened.ErrorId, read.ErrorId));
        Assert.Equal(text, File.ReadAllText(_path));
    }

    [Fact]
    public void An_emptied_journal_says_where_to_look_for_the_cutover_that_it_was()
    {
        File.WriteAllText(_path, string.Empty);

        var error = Assert.Throws<MigrationException>(() => CutoverJournal.Open(_path));

        Assert.Contains("Get-Cutover", error.Message, StringComparison.Ordinal);
        Assert.Contains("pgmigration.mark", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_was_held_reaches_the_disk_with_the_next()
    {
        using var journal = CutoverJournal.Create(_path);
        journal.Write(CutoverEvent.Planned, facts: Facts);
        journal.Hold(CutoverEvent.Done, "PauseApp");
        Assert.Single(CutoverJournal.Read(_path));

        journal.Write(CutoverEvent.Begun, "FenceSource");

        Assert.Equal(3, CutoverJournal.Read(_path).Count);
    }

    private static CutoverFacts Facts => new() { Id = "x", Source = "postgres://app@host/db", Target = "postgres://app@target/db" };
}
