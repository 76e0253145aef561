using System.Globalization;

namespace PgMigration.Wal;

/// <summary>Which requests are ordinary, and which tell that replay does not get on.</summary>
public sealed class StuckReplayTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pgm-stuck-").FullName;
    private readonly RestoreLayout _layout;
    private readonly IArchiveStorage _storage;
    private readonly StuckReplay _stuck;

    public StuckReplayTests()
    {
        _layout = new RestoreLayout(Path.Combine(_root, "data"));
        Directory.CreateDirectory(_layout.Folder);
        Directory.CreateDirectory(Path.Combine(_root, "archive", "wal_005"));
        _storage = ArchiveStorage.Open(Path.Combine(_root, "archive"));
        var record = new RestoreRecord
        {
            SystemIdentifier = MadeSegment.Cluster, SegmentSize = MadeSegment.Size, MajorVersion = 15, StartSegment = FollowedArchive.Name(1), PoolLimit = RestoreRecord.DefaultPoolLimit,
        };
        var view = new ArchiveView(_storage);
        var log = new PrefetchLog(_layout.LogFile);
        _stuck = new StuckReplay(_layout, record, view, new SegmentFlow(_layout, record, view, log), log);
    }

    public void Dispose()
    {
        _storage.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public void The_same_segment_again_and_again_is_no_progress()
    {
        Assert.Equal([false, false, false, true], Enumerable.Range(0, 4).Select(_ => Asks(1, RequestDesk.UseOwn)));
    }

    [Fact]
    public void Two_segments_in_turn_both_there_are_a_damaged_record_that_crosses_from_one_to_the_other()
    {
        var answers = Enumerable.Range(0, 8).Select(turn => Asks(1 + (turn % 2), RequestDesk.UseOwn)).ToList();
        Assert.Contains(true, answers);
    }

    [Fact]
    public void Waiting_for_the_next_segment_at_the_end_of_the_archive_is_ordinary()
    {
        for (int turn = 0; turn < 50; turn++)
        {
            Assert.False(Asks(1, RequestDesk.UseOwn));
            Assert.False(Asks(2, RequestDesk.None));
        }
    }

    [Fact]
    public void Restarts_of_the_server_are_ordinary()
    {
        for (int pid = 100; pid < 110; pid++)
        {
            File.WriteAllText(Path.Combine(_layout.DataDirectory, "postmaster.pid"), string.Create(CultureInfo.InvariantCulture, $"{pid}\n/data\n{pid}\n"));
            Assert.False(Asks(1, RequestDesk.UseOwn));
            Assert.False(Asks(2, RequestDesk.UseOwn));
        }
    }

    private bool Asks(int number, string answer)
    {
        var name = WalSegmentName.Parse(FollowedArchive.Name(number));
        bool isStuck = _stuck.IsStuckAt(name);
        _stuck.Answered(name, answer);
        return isStuck;
    }
}
