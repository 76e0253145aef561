using System.Reflection;
using System.Runtime;

namespace PgMigration.Tests;

/// <summary>What runs while the app is paused is compiled before.</summary>
public sealed class CompileAheadTests
{
    [Fact]
    public void An_asynchronous_method_that_was_prepared_has_hardly_anything_left_to_compile_at_its_first_call()
    {
        CompiledBy(First.WorkAsync); // what the framework itself needs once
        CompileAhead.Prepare([typeof(Prepared), .. typeof(Prepared).GetNestedTypes(BindingFlags.NonPublic)]);

        long unprepared = CompiledBy(Unprepared.WorkAsync), prepared = CompiledBy(Prepared.WorkAsync);

        Assert.InRange(unprepared, 10, long.MaxValue);
        Assert.InRange(prepared, 0, unprepared / 3);
    }

    // The continuation runs within SetResult, so all of it on this thread.
    private static long CompiledBy(Func<Task<int>, Task<string>> work)
    {
        var source = new TaskCompletionSource<int>();
        long before = JitInfo.GetCompiledMethodCount(currentThread: true);
        var running = work(source.Task);
        source.SetResult(1);
        Assert.True(running.IsCompletedSuccessfully);
        return JitInfo.GetCompiledMethodCount(currentThread: true) - before;
    }

    private static class First
    {
        public static async Task<string> WorkAsync(Task<int> given) => $"{await given}";
    }

    private static class Unprepared
    {
        public static async Task<string> WorkAsync(Task<int> given) => $"{await given}";
    }

    private static class Prepared
    {
        public static async Task<string> WorkAsync(Task<int> given) => $"{await given}";
    }
}
